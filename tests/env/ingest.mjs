// The analytics daemon by itself, in front of a private ClickHouse of the local stack: started, killed and asked directly, with senders
// that remember what was answered.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { until } from './stack.mjs';

export class Ingest {
  // `stack`: its ClickHouse is used; the daemon takes the stack's analytics ports.
  constructor(stack, { env = {}, spool = path.join(stack.home, 'spool-under-test') } = {}) {
    this.stack = stack;
    this.spool = spool;
    this.env = env;
    this.port = stack.portBase + 4;
    this.admin = stack.portBase + 1104;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }
  get program() {
    return path.join(this.stack.build, 'bin/vora-analytics-ingest');
  }
  async settings() {
    return {
      VORA_AUTH: 'none',
      VORA_HTTP_LISTEN: `127.0.0.1:${this.port}`,
      VORA_GRPC_LISTEN: `127.0.0.1:${this.stack.portBase + 1004}`,
      VORA_ADMIN_LISTEN: `127.0.0.1:${this.admin}`,
      VORA_SPOOL_DIR: this.spool,
      VORA_CLICKHOUSE_URL: `http://127.0.0.1:${this.stack.portBase + 1201}`,
      VORA_CLICKHOUSE_PASSWORD: await this.stack.clickhousePassword(),
      VORA_CLIENT_EVENTS_PER_SECOND: '1000000',
      ...this.env,
    };
  }
  async wipe() {
    await rm(this.spool, { recursive: true, force: true });
    await mkdir(this.spool, { recursive: true });
  }
  async start({ env = {}, ready = true } = {}) {
    const log = createWriteStream(path.join(this.stack.home, 'ingest.log'), { flags: 'a' });
    // Through pipes: a limit on the size of files must hit the spool only.
    this.child = spawn(this.program, [], { env: { ...process.env, ...(await this.settings()), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.pipe(log);
    this.child.stderr.pipe(log);
    if (ready) {
      await until('the analytics daemon to be ready', async () => {
        if (this.child.exitCode !== null) assert.fail(`vora-analytics-ingest ended with ${this.child.exitCode}; see ingest.log`);
        return (await fetch(`http://127.0.0.1:${this.admin}/readyz`)).ok;
      }, { timeout: 30_000, every: 20 });
    }
  }
  async end(signal) {
    const child = this.child;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    const [code] = await ended;
    return code;
  }
  kill() {
    return this.end('SIGKILL');
  }
  async stop() {
    assert.equal(await this.end('SIGTERM'), 0, 'the daemon drains and ends with 0');
  }

  // { status, body }; null: the connection broke, nobody knows.
  post(body, { type = 'application/json', timeout = 20_000 } = {}) {
    return new Promise((resolve) => {
      const request = http.request({ host: '127.0.0.1', port: this.port, path: '/e', method: 'POST', agent: this.agent, timeout,
        headers: { 'content-type': type, 'content-length': Buffer.byteLength(body) } }, (response) => {
        let text = '';
        response.on('data', (piece) => { text += piece; });
        response.on('end', () => resolve(response.complete ? { status: response.statusCode, headers: response.headers, body: text } : null));
        response.on('error', () => resolve(null));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(null));
      request.end(body);
    });
  }
  async metric(name) {
    const text = await (await fetch(`http://127.0.0.1:${this.admin}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith(name) && /^[^ ]+ /.test(line)).reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
  // Until nothing that was accepted waits in the spool any more.
  drained(timeout = 60_000) {
    return until('the spool to be empty', async () => (await this.metric('vora_spool_rows')) === 0, { timeout, every: 50 });
  }
}

// Sends batches from several senders, `gap` ms between those of one, and remembers what became of each event: each is sent once only.
export class Load {
  constructor(ingest, video, { senders = 8, batch = 20, gap = 0 } = {}) {
    Object.assign(this, { ingest, video, senders, batch, gap, answered: new Map(), unknown: new Map(), refused: 0, running: false });
  }
  start() {
    this.running = true;
    this.tasks = Array.from({ length: this.senders }, (_, n) => this.send(`${this.video}-${n}`));
  }
  async send(session) {
    for (let sequence = 0; this.running; ) {
      const events = Array.from({ length: this.batch }, (_, i) => ({
        video_id: this.video, session_id: session, sequence: sequence + i, type: 'watch_time', position_seconds: (sequence + i) * 0.01,
        duration_seconds: 0.01, rendition: '720p', bitrate: 3_000_000,
      }));
      const answer = await this.ingest.post(JSON.stringify(events));
      if (answer?.status === 202) {
        assert.equal(JSON.parse(answer.body).accepted, this.batch, answer.body);
        for (const event of events) this.answered.set(`${session} ${event.sequence}`, 1);
      } else if (answer === null) {
        for (const event of events) this.unknown.set(`${session} ${event.sequence}`, 1);
        await new Promise((resolve) => setTimeout(resolve, 5));
      } else {
        assert.ok([429, 503].includes(answer.status), `answered ${answer.status}: ${answer.body}`);
        this.refused += this.batch;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      sequence += this.batch;
      if (this.gap) await new Promise((resolve) => setTimeout(resolve, this.gap));
    }
  }
  async stop() {
    this.running = false;
    await Promise.all(this.tasks);
  }
  // Every event answered 202 is one row; one whose answer was lost is one row or none; nothing else is there.
  async prove() {
    let rows = 0, answered = 0;
    for (let n = 0; n < this.senders; ++n) {
      const session = `${this.video}-${n}`;
      const where = `video_id = '${this.video}' AND session_id = '${session}'`;
      const found = await this.ingest.stack.clickhouse(`SELECT sequence, count() FROM playback_events WHERE ${where} GROUP BY sequence`);
      for (const [sequence, count] of found) {
        const key = `${session} ${sequence}`;
        assert.equal(count, '1', `event ${key} is there ${count} times`);
        if (this.answered.has(key)) answered += 1;
        else assert.ok(this.unknown.has(key), `event ${key} was refused, and is there`);
      }
      const [[known]] = await this.ingest.stack.clickhouse(`SELECT uniqExactMerge(events) FROM playback_sessions WHERE ${where}`);
      const [[added]] = await this.ingest.stack.clickhouse(`SELECT length(groupUniqArrayIfMerge(deltas)) FROM playback_sessions WHERE ${where}`);
      assert.deepEqual([known, added], [String(found.length), String(found.length)], `the session ${session} knows every event once`);
      rows += found.length;
    }
    assert.equal(answered, this.answered.size, 'events that were answered 202 are missing');
    const [[all]] = await this.ingest.stack.clickhouse(`SELECT count() FROM playback_events WHERE video_id = '${this.video}'`);
    assert.equal(Number(all), rows, 'nothing else is there');
    return rows;
  }
}

