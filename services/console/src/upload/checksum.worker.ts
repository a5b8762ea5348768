// SHA-256 of a file in a worker, block by block. In: { file }. Out: { done: bytes } now and then, at last { sha256 } or { error }.
import { createSHA256 } from 'hash-wasm';

const block = 4 << 20;

self.onmessage = async ({ data }: MessageEvent<{ file: File }>) => {
  try {
    const hash = await createSHA256();
    hash.init();
    for (let at = 0; at < data.file.size; at += block) {
      hash.update(new Uint8Array(await data.file.slice(at, at + block).arrayBuffer()));
      self.postMessage({ done: Math.min(at + block, data.file.size) });
    }
    self.postMessage({ sha256: hash.digest('hex') });
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
