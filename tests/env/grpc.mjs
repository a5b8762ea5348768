// gRPC clients of the fleet's services, made from the .proto files.
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

import { root } from './stack.mjs';

const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };

// The package that a file defines. Files of the project are named from proto/, those of gRPC itself from tests/env/proto.
export const load = (file, folder = path.join(root, file.startsWith('vora/') ? 'proto' : 'tests/env/proto')) =>
  grpc.loadPackageDefinition(loader.loadSync(path.join(folder, file), { ...options, includeDirs: [folder, '/usr/include'] }));

// A unary call: its answer, or an error with gRPC's `code` and `details`. `metadata`: { name: value }.
export const call = (client, method, request, metadata = {}) =>
  new Promise((resolve, reject) => {
    const headers = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
    client[method](request, headers, { deadline: Date.now() + 5000 }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });

export const insecure = () => grpc.credentials.createInsecure();
export { grpc };
