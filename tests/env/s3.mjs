// A private S3 server for a suite (tests/env/ceph.sh, stores.sh), which a test takes away and looks into.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import { GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';

import { root, run, until } from './stack.mjs';

const env = path.join(root, 'tests/env');

export class S3Server {
  // Takes `port` and the two after it, of another `store` than Ceph (versitygw, seaweedfs) the seven after it.
  static async start(name, port, store = 'ceph') {
    const server = new S3Server();
    server.store = store;
    server.home = path.join(process.env.VORA_HOME ?? path.join(root, '.vora/tests'), name);
    await server.stop();
    // One that is not in the cache yet is built.
    const started = await server.run('start', { timeout: 3_600_000 }, String(port));
    assert.equal(started.code, 0, started.stderr);
    const exported = Object.fromEntries([...started.stdout.matchAll(/^export (\w+)=['"]?([^'"\n]*)['"]?$/gm)].map(([, k, v]) => [k, v]));
    const { VORA_TEST_S3: url, VORA_S3_ACCESS_KEY: accessKeyId, VORA_S3_SECRET_KEY: secretAccessKey } = exported;
    server.port = port;
    server.bucket = new URL(url).hostname;
    server.env = { VORA_STORAGE: url, VORA_S3_ACCESS_KEY: accessKeyId, VORA_S3_SECRET_KEY: secretAccessKey };   // of a Stack
    server.client = new S3Client({
      endpoint: new URL(url).searchParams.get('endpoint'), region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey },
    });
    return server;
  }
  run(action, options = {}, ...rest) {
    if (this.store === 'ceph') return run(path.join(env, 'ceph.sh'), [action, this.home, ...rest], options);
    return run(path.join(env, 'stores.sh'), [action, this.store, this.home, ...rest], options);
  }
  async stop() {
    await this.run('stop');
  }
  // One more user, with a bucket of that name which is its own: { url, accessKey, secretKey }.
  async user(name) {
    const made = await this.run('user', {}, name);
    assert.equal(made.code, 0, made.stderr);
    return { url: `s3://${name}?endpoint=http://127.0.0.1:${this.port}`, accessKey: `${name}-key`, secretKey: `${name}-secret` };
  }
  // The same store with another user's eyes.
  as({ accessKey, secretKey }) {
    return new S3Client({
      endpoint: `http://127.0.0.1:${this.port}`, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
  }
  // The same store as it is reached through a gate on `port`.
  through(port) {
    return `s3://${this.bucket}?endpoint=http://127.0.0.1:${port}`;
  }

  // The process that answers requests; what is stored lies in another one.
  async pid() {
    return Number(await readFile(path.join(this.home, this.store === 'ceph' ? 'rgw.pid' : 'server.pid'), 'utf8'));
  }
  async kill() {
    const pid = await this.pid();
    process.kill(pid, 'SIGKILL');
    await until('the S3 server to be gone', async () => !(await stat(`/proc/${pid}`).catch(() => null)), { every: 10 });
  }
  async resume() {
    const resumed = await this.run('resume');
    assert.equal(resumed.code, 0, resumed.stderr);
  }

  async keys() {
    const keys = [];
    for (let token; ;) {
      const page = await this.client.send(new ListObjectsV2Command({ Bucket: this.bucket, ContinuationToken: token }));
      keys.push(...(page.Contents ?? []).map(({ Key }) => Key));
      token = page.NextContinuationToken;
      if (!token) return keys;
    }
  }
  // Keys of multipart uploads that nobody has completed or aborted.
  async unfinished() {
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.bucket }));
    return Uploads.map(({ Key }) => Key);
  }
  async sha256(key) {
    const hash = createHash('sha256');
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    for await (const block of Body) hash.update(block);
    return hash.digest('hex');
  }
}
