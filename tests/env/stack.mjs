// A local stack of its own for a suite: started by the same scripts that people use, in a state folder and on ports of its own.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const local = path.join(root, 'deploy/local');

// Runs a program to its end: { code, signal, stdout, stderr }.
export function run(program, args, { env = {}, cwd = root, timeout = 300_000 } = {}) {
  return new Promise((resolve) => {
    execFile(program, args, { env: { ...process.env, ...env }, cwd, timeout, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : null) : 0, signal: error?.signal ?? null, stdout, stderr });
    });
  });
}

// Waits until `look` answers something true and returns it; fails with what was seen last. The pause only spares the processor.
export async function until(what, look, { timeout = 120_000, every = 100 } = {}) {
  const end = Date.now() + timeout;
  let last;
  while (true) {
    try {
      last = await look();
      if (last) return last;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      last = error;
    }
    if (Date.now() > end) assert.fail(`waited ${timeout / 1000} s for ${what}; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    await pause(every);
  }
}
// Thrown inside `until` when waiting has become pointless.
export class GiveUp extends Error {}

// Of the whole file, or of its first `length` bytes.
export async function sha256File(file, length = Infinity) {
  const hash = createHash('sha256');
  if (length > 0) for await (const block of createReadStream(file, { end: length - 1 })) hash.update(block);
  return hash.digest('hex');
}

export const finalStates = ['READY', 'FAILED', 'CANCELLED'];

export class Stack {
  constructor(name, portBase, env = {}) {
    this.home = path.join(process.env.VORA_HOME ?? path.join(root, '.vora/tests'), name);
    this.portBase = portBase;
    this.env = { ...env, VORA_HOME: this.home, VORA_PORT_BASE: String(portBase), XDG_CACHE_HOME: path.join(this.home, 'cache') };
    this.edge = `http://127.0.0.1:${portBase}`;
    this.uploads = `http://127.0.0.1:${portBase + 1}/files/`;
    this.token = '';   // sent by fetch, api and the command line client where it is set
    this.build = process.env.VORA_BUILD ?? path.join(root, 'build/release');
    this.replicas = [];
    this.adminPorts = {};
  }

  async up(args = ['--no-build']) {
    const result = await run(path.join(local, 'up.sh'), args, { env: this.env });
    assert.equal(result.code, 0, `up.sh failed:\n${result.stdout}\n${result.stderr}`);
    return result;
  }
  async down(args = []) {
    for (const replica of this.replicas.splice(0)) replica.kill('SIGKILL');   // left by a test that failed, they would keep its program from its end
    const result = await run(path.join(local, 'down.sh'), args, { env: this.env });
    assert.equal(result.code, 0, `down.sh failed:\n${result.stdout}\n${result.stderr}`);
    return result;
  }
  // Begins anew. `settings`: of single parts, { part: { NAME: value } }, in place of what the scripts would give them; or a function that makes
  // them once the secrets are there.
  async reset(settings = {}) {
    await this.down(['--wipe']);
    await mkdir(path.join(this.home, 'settings'), { recursive: true });
    for (const [part, own] of Object.entries(typeof settings === 'function' ? await settings() : settings)) {
      await writeFile(path.join(this.home, 'settings', part), Object.entries(own).map(([name, value]) => `${name}=${value}\n`).join(''));
    }
    await this.up();
  }

  // Calls a function of deploy/local/stack.sh.
  async shell(command) {
    return run('bash', ['-c', `set -uo pipefail; . "${local}/stack.sh"; export VORA_STORAGE="\${VORA_STORAGE:-file://$VORA_HOME/objects}"; ${command}`], { env: this.env });
  }
  async pid(part) {
    const { stdout } = await this.shell(`part_pid ${part}`);
    return stdout.trim() ? Number(stdout.trim()) : null;
  }
  async start(part) {
    const result = await this.shell(`start_part ${part}`);
    assert.equal(result.code, 0, `${part} did not start:\n${result.stdout}\n${result.stderr}`);
  }
  async stop(part) {
    const result = await this.shell(`stop_part ${part}`);
    assert.equal(result.code, 0, result.stderr);
  }
  // SIGKILL, and waits until it is gone. PostgreSQL by SIGQUIT (its immediate shutdown): its processes must all be gone before it starts again.
  async kill(part) {
    const pid = await this.pid(part);
    assert.ok(pid, `${part} is not running`);
    process.kill(pid, part === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
    await until(`${part} to be gone`, async () => (await this.pid(part)) === null, { every: 10 });
  }
  // A further process of a part that runs, with its settings, on ports that are free; it writes to the same log. `like`: a replica that has ended,
  // to be started again.
  async replica(part, { env = {}, like } = {}) {
    const environ = async () => Object.fromEntries((await readFile(`/proc/${await this.pid(part)}/environ`, 'utf8')).split('\0').filter(Boolean).map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }));
    const settings = like?.settings ?? { ...(await environ()), VORA_GRPC_LISTEN: '127.0.0.1:0', VORA_ADMIN_LISTEN: '127.0.0.1:0', ...env };
    const log = await open(path.join(this.home, 'logs', `${part}.log`), 'a');
    const replica = spawn(path.join(this.build, `bin/vora-${part}`), [], { env: settings, stdio: ['ignore', log.fd, log.fd] });
    replica.settings = settings;
    replica.exited = once(replica, 'exit');
    this.replicas.push(replica);
    await log.close();
    return replica;
  }
  // What a daemon's admin port answers within the five seconds that probes have: { ok, text }.
  async probe(part, pathname) {
    this.adminPorts[part] ??= (await this.shell(`admin_port ${part}`)).stdout.trim();
    const response = await fetch(`http://127.0.0.1:${this.adminPorts[part]}${pathname}`, { signal: AbortSignal.timeout(5000) });
    return { ok: response.ok, text: (await response.text()).trim() };
  }
  // Rows of a query to the stack's PostgreSQL (`vora_metadata`, `vora_orchestrator`), as arrays of strings.
  async postgres(database, sql) {
    const { code, stdout, stderr } = await this.shell(`postgres_query "${sql}" ${database}`);
    assert.equal(code, 0, stderr);
    return stdout.split('\n').filter(Boolean).map((line) => line.split('|'));
  }

  async fetch(pathname, options = {}) {
    const headers = { ...(this.token ? { authorization: `Bearer ${this.token}` } : {}), ...options.headers };
    return fetch(pathname.startsWith('http') ? pathname : this.edge + pathname, { signal: AbortSignal.timeout(30_000), ...options, headers });
  }
  async api(method, pathname, body) {
    const response = await this.fetch(pathname, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let json = null;
    try {
      json = text ? JSON.parse(text) : null;
    } catch {
      assert.fail(`${method} ${pathname} answered ${response.status} and no JSON: ${text.slice(0, 300)}`);
    }
    return { status: response.status, headers: response.headers, json };
  }
  async video(id) {
    const { status, json } = await this.api('GET', `/v1/videos/${id}`);
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  }
  // Until the video is in one of `states`; fails at once when it ends in another final state.
  async reach(id, states = ['READY'], options = {}) {
    return until(
      `video ${id} to be ${states}`,
      async () => {
        const video = await this.video(id);
        if (states.includes(video.state)) return video;
        if (finalStates.includes(video.state)) throw new GiveUp(`video ${id} is ${video.state}: ${video.failure_code} ${video.failure}`);
        return null;
      },
      { timeout: 240_000, every: 200, ...options },
    );
  }

  // The command line client: { code, stdout, stderr, json } (json: one document per line of stdout).
  async cli(args, { timeout } = {}) {
    const result = await run(path.join(this.build, 'bin/vora'), args, { env: this.cliEnv(), timeout });
    return { ...result, json: args.includes('--json') ? result.stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line)) : undefined };
  }
  cliEnv() {
    return { ...this.env, VORA_SERVER: this.edge, VORA_UPLOAD_URL: this.uploads, ...(this.token ? { VORA_TOKEN: this.token } : {}) };
  }
  spawnCli(args) {
    return spawn(path.join(this.build, 'bin/vora'), args, { env: { ...process.env, ...this.cliEnv() }, stdio: ['ignore', 'pipe', 'pipe'] });
  }
  // Uploads without waiting for the processing; the video as created.
  async upload(file, args = []) {
    const result = await this.cli(['--json', 'upload', '--no-wait', ...args, file]);
    assert.equal(result.code, 0, result.stderr);
    return result.json.at(-1);
  }

  async clickhousePassword() {
    return (await readFile(path.join(this.home, 'secrets/clickhouse'), 'utf8')).trim();
  }
  // Rows of a query to the stack's ClickHouse, as arrays of strings.
  async clickhouse(sql) {
    const response = await fetch(`http://127.0.0.1:${this.portBase + 1201}/?database=vora`, {
      method: 'POST',
      headers: { 'x-clickhouse-user': 'default', 'x-clickhouse-key': await this.clickhousePassword() },
      body: `${sql} FORMAT TabSeparated`,
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text.split('\n').filter(Boolean).map((line) => line.split('\t'));
  }

  // Log lines of a part, as objects.
  async logs(part) {
    const text = await readFile(path.join(this.home, 'logs', `${part}.log`), 'utf8');
    return text.split('\n').flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line)] : [];
      } catch {
        return [];
      }
    });
  }
  // SHA-256 of an object in the local store; a file there ends in a trailer of 512 bytes (libs/storage/local/local_trailer.h).
  async objectSha256(key) {
    const file = path.join(this.home, 'objects', `${key}@`);
    return sha256File(file, (await stat(file)).size - 512);
  }
}
