// Webhooks through real daemons: signed, retried, exactly the right events, and never to where they must not go.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import { after, before, test } from 'node:test';
import path from 'node:path';

import { source } from '../env/media.mjs';
import { Stack, until } from '../env/stack.mjs';

// A further replica of metadata on the stack's database.
class Replica {
  constructor(name, offset, env) {
    Object.assign(this, { name, env, http: stack.portBase + offset, grpc: stack.portBase + offset + 1, admin: stack.portBase + offset + 2 });
    this.url = `http://127.0.0.1:${this.http}`;
  }
  async start() {
    const { stdout: database } = await stack.shell('postgres_url vora_metadata');
    this.process = spawn(path.join(stack.build, 'bin/vora-metadata'), [], {
      env: {
        ...process.env, VORA_AUTH: 'none', VORA_DATABASE_URL: database.trim(), VORA_ORCHESTRATOR: `127.0.0.1:${stack.portBase + 1005}`,
        VORA_UPLOAD: `127.0.0.1:${stack.portBase + 1001}`, VORA_HTTP_LISTEN: `127.0.0.1:${this.http}`, VORA_GRPC_LISTEN: `127.0.0.1:${this.grpc}`,
        VORA_ADMIN_LISTEN: `127.0.0.1:${this.admin}`, VORA_DATABASE_CONNECTIONS: '6', ...this.env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.log = '';
    this.process.stderr.on('data', (block) => { this.log += block; });
    this.ended = new Promise((resolve) => this.process.once('exit', resolve));
    await until(`${this.name} to be ready`, async () => (await fetch(`http://127.0.0.1:${this.admin}/readyz`)).ok, { timeout: 60_000 })
      .catch((error) => assert.fail(`${error.message}\n${this.log}`));
    return this;
  }
  async stop(signal = 'SIGTERM') {
    if (!this.process) return;
    this.process.kill(signal);
    await this.ended;
  }
  async api(method, pathname, body) {
    return stack.api(method, this.url + pathname, body);
  }
}

// Takes webhooks; believes none whose signature is wrong.
class Receiver {
  taken = [];      // in order, repeated ones too
  refused = [];
  answer = 204;
  async start(port = 0) {
    this.server = http.createServer((request, response) => {
      const blocks = [];
      request.on('data', (block) => blocks.push(block));
      request.on('end', () => {
        const body = Buffer.concat(blocks).toString('utf8');
        const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers;
        const wanted = `v1,${createHmac('sha256', Buffer.from(this.secret?.slice('whsec_'.length) ?? '', 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
        const young = Math.abs(Date.now() / 1000 - Number(timestamp)) < 30;
        if (signature !== wanted || !young || request.headers['content-type'] !== 'application/json') {
          this.refused.push({ headers: request.headers, body });
          response.writeHead(401).end();
          return;
        }
        this.taken.push({ id, event: JSON.parse(body), body, at: Date.now(), answer: this.answer });
        response.writeHead(this.answer).end();
      });
    });
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/hook`;
    return this;
  }
  async stop() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
  of(video) {
    return this.taken.filter(({ event }) => event.data.video_id === video);
  }
}

const stack = new Stack('webhooks', 25300, { VORA_WEBHOOK_ALLOW_PRIVATE: 'true' });   // the receiver is on loopback
const receiver = new Receiver();
let file, webhook;

before(async () => {
  await stack.reset();
  file = await source({ seconds: 4, width: 640, height: 360 });
  await receiver.start();
});
after(async () => {
  await receiver.stop().catch(() => {});
  await stack.down(['--wipe']);
});

const deliveries = async (query = '', id = webhook.webhook_id) => (await stack.api('GET', `/v1/webhooks/${id}/deliveries${query}`)).json.deliveries;
const told = (video, type, count = 1) =>
  until(`${type} of ${video}`, () => {
    const all = receiver.of(video).filter(({ event }) => event.type === type);
    return all.length >= count && all;
  }, { timeout: 60_000 });
const types = (video) => receiver.of(video).map(({ event }) => event.type);
const secretless = (json) => assert.ok(!JSON.stringify(json).includes('whsec_'));

test('mistakes are refused, naming the field', async () => {
  for (const [body, field] of [
    [{}, 'url'], [{ url: 'nowhere' }, 'url'], [{ url: 'ftp://example.org/' }, 'url'], [{ url: `${receiver.url}#x` }, 'url'],
    [{ url: 'http://user:word@127.0.0.1/' }, 'url'], [{ url: receiver.url, events: ['video.exploded'] }, 'events'],
    [{ url: receiver.url, secret: 'guess' }, 'secret'], [{ url: receiver.url, color: 'red' }, 'color'],
  ]) {
    const { status, json } = await stack.api('POST', '/v1/webhooks', body);
    assert.equal(status, 400, JSON.stringify(body));
    assert.equal(json.error.field, field, JSON.stringify(json));
  }
  for (const [method, at] of [['GET', ''], ['DELETE', ''], ['GET', '/deliveries'], ['POST', '/test'], ['POST', '/deliveries/msg_x/redeliver']]) {
    assert.equal((await stack.api(method, `/v1/webhooks/${'0'.repeat(32)}${at}`)).status, 404, `${method} ${at}`);
  }
});

test('without the setting a private address is refused, however it is spelled', async () => {
  const replica = await new Replica('a replica without the setting', 500, { VORA_WEBHOOK_ALLOW_PRIVATE: '' }).start();
  try {
    for (const url of ['https://127.0.0.1/', 'https://localhost/', 'https://2130706433/', 'https://0x7f.1/', 'https://0177.0.0.1/', 'https://[::1]/',
      'https://[::ffff:10.0.0.1]/', 'https://[64:ff9b::a9fe:a9fe]/', 'https://169.254.169.254/latest/meta-data/', 'https://10.1.2.3/', 'https://0/', receiver.url]) {
      const { status, json } = await replica.api('POST', '/v1/webhooks', { url });
      assert.equal(status, 400, url);
      assert.equal(json.error.field, 'url', JSON.stringify(json));
    }
    // What was made where it was allowed is not delivered from here either.
    await stack.stop('metadata');
    const { stdout, stderr } = await stack.shell(`postgres_query "INSERT INTO webhooks (webhook_id, tenant, url, events, secret) VALUES ('smuggled', 'default', '${receiver.url}', '{video.ready}', 'whsec_${'A'.repeat(43)}=')" vora_metadata`);
    assert.equal(stderr, '', stdout);
    assert.equal((await replica.api('POST', '/v1/webhooks/smuggled/test')).status, 202);
    const tried = await until('the attempt', async () => {
      const { json } = await replica.api('GET', '/v1/webhooks/smuggled/deliveries');
      return json.deliveries[0].attempts > 0 && json.deliveries[0].last_error && json.deliveries[0];
    });
    assert.match(tried.last_error, /^url: /);
    assert.equal(tried.state, 'PENDING');
    assert.equal((await replica.api('DELETE', '/v1/webhooks/smuggled')).status, 204);
    assert.ok(!replica.log.includes('whsec_'));
  } finally {
    await replica.stop();
    await stack.start('metadata');
  }
  assert.equal(receiver.taken.length + receiver.refused.length, 0);
});

test('the secret is shown once; a test is signed with it', async () => {
  const created = await stack.api('POST', '/v1/webhooks', { url: receiver.url, description: 'the suite' });
  assert.equal(created.status, 201, JSON.stringify(created.json));
  webhook = created.json;
  assert.equal(created.headers.get('location'), `/v1/webhooks/${webhook.webhook_id}`);
  assert.match(webhook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  receiver.secret = webhook.secret;
  const shown = await stack.api('GET', `/v1/webhooks/${webhook.webhook_id}`);
  assert.equal(shown.status, 200);
  assert.equal(shown.json.events.length, 6);
  secretless([shown.json, (await stack.api('GET', '/v1/webhooks')).json]);
  assert.equal((await stack.api('POST', `/v1/webhooks/${webhook.webhook_id}/test`)).status, 202);
  const { event } = await until('the test', () => receiver.taken.find((item) => item.event.type === 'webhook.test'));
  assert.equal(event.data.webhook_id, webhook.webhook_id);
  assert.deepEqual(receiver.refused, []);
});

test('what becomes of a video is told, each change once and nothing else', async () => {
  const { video_id: id } = await stack.upload(file);
  await stack.reach(id);
  const [{ event, id: message }] = await told(id, 'video.ready');
  assert.equal(event.data.state, 'READY');
  assert.equal(event.data.playable, true);
  assert.equal(event.data.failure, null);
  assert.equal(event.data.tenant, 'default');
  assert.match(event.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.match(message, /^msg_[0-9a-f]{32}$/);
  assert.equal((await stack.api('DELETE', `/v1/videos/${id}`)).status, 204);
  await told(id, 'video.deleted');

  const text = path.join(stack.home, 'letter.txt');
  await writeFile(text, 'no picture, no audio\n'.repeat(100));
  const { video_id: broken } = await stack.upload(text);
  await stack.reach(broken, ['FAILED']);
  const [{ event: failed }] = await told(broken, 'video.failed');
  assert.equal(failed.data.playable, false);
  assert.ok(failed.data.failure.code && failed.data.failure.message, JSON.stringify(failed));

  await until('nothing to be left', async () => (await deliveries('?state=PENDING')).length === 0);
  assert.deepEqual(types(id).sort(), ['video.deleted', 'video.partially_ready', 'video.processing', 'video.ready']);
  assert.deepEqual(types(broken).sort(), ['video.failed', 'video.processing']);
  const versions = receiver.of(id).sort((a, b) => a.event.data.version - b.event.data.version).map(({ event: { type } }) => type);
  assert.deepEqual(versions, ['video.processing', 'video.partially_ready', 'video.ready', 'video.deleted'], 'versions tell the order');
});

test('a receiver that is down is told later, although the sender is killed meanwhile', async () => {
  const { port } = receiver;
  await receiver.stop();
  const { video_id: id } = await stack.upload(file);
  await stack.reach(id);
  const waiting = await until('three attempts', async () => {
    const list = (await deliveries('?state=PENDING')).filter((item) => item.video_id === id);
    return list.length === 3 && list.every((item) => item.attempts >= 1 && item.last_error && item.last_status === null) && list;
  });
  await stack.kill('metadata');
  await stack.start('metadata');
  await receiver.start(port);
  await told(id, 'video.ready');
  await told(id, 'video.partially_ready');
  await until('all to be noted', async () => (await deliveries('?state=PENDING')).length === 0);
  const ended = (await deliveries()).filter((item) => item.video_id === id);
  assert.deepEqual(ended.map((item) => [item.delivery_id, item.state, item.last_status]).sort(), waiting.map((item) => [item.delivery_id, 'DELIVERED', 204]).sort());
  assert.ok(ended.every((item) => item.attempts >= 2), JSON.stringify(ended));
  assert.deepEqual(receiver.of(id).map((item) => item.id).sort(), waiting.map((item) => item.delivery_id).sort(), 'each came once, under the id it had');
});

test('every attempt has the same id and body; so has one that is asked for', async () => {
  const before = receiver.taken.length;
  receiver.answer = 503;
  const asked = await stack.api('POST', `/v1/webhooks/${webhook.webhook_id}/test`);
  await until('the first attempt', () => receiver.taken.length > before);
  receiver.answer = 204;
  await until('the second', () => receiver.taken.length > before + 1);
  await until('the end', async () => (await deliveries('?page_size=1'))[0].state === 'DELIVERED');
  assert.equal((await stack.api('POST', `/v1/webhooks/${webhook.webhook_id}/deliveries/${asked.json.delivery_id}/redeliver`)).status, 202);
  await until('the third', () => receiver.taken.length > before + 2);
  const attempts = receiver.taken.slice(before);
  assert.deepEqual(new Set(attempts.map((item) => item.id)), new Set([asked.json.delivery_id]));
  assert.equal(new Set(attempts.map((item) => item.body)).size, 1);
  assert.deepEqual(receiver.refused, []);
});

test('a receiver that never answers holds up nobody else, and one that is gone is left alone', async () => {
  const silent = http.createServer(() => {});   // takes the request and says nothing
  let most = 0, now = 0;
  silent.on('connection', (socket) => {
    most = Math.max(most, ++now);
    socket.on('close', () => { now -= 1; });
  });
  await new Promise((resolve) => silent.listen(0, '127.0.0.1', resolve));
  try {
    const slow = (await stack.api('POST', '/v1/webhooks', { url: `http://127.0.0.1:${silent.address().port}/` })).json;
    for (let i = 0; i < 12; ++i) await stack.api('POST', `/v1/webhooks/${slow.webhook_id}/test`);
    await until('the silent one to be called', () => now > 0);
    const before = receiver.taken.length;
    const began = Date.now();
    await stack.api('POST', `/v1/webhooks/${webhook.webhook_id}/test`);
    await until('the other one to be told', () => receiver.taken.length > before, { timeout: 9_000 });
    assert.ok(Date.now() - began < 9_000, 'before the first silent call has timed out');
    assert.ok(most <= 2, `${most} calls at a time`);
    assert.equal((await stack.api('DELETE', `/v1/webhooks/${slow.webhook_id}`)).status, 204);
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
  receiver.answer = 410;
  await stack.api('POST', `/v1/webhooks/${webhook.webhook_id}/test`);
  const off = await until('it to be disabled', async () => {
    const { json } = await stack.api('GET', `/v1/webhooks/${webhook.webhook_id}`);
    return !json.enabled && json;
  });
  assert.match(off.disabled_reason, /410/);
  assert.equal((await deliveries('?state=DEAD')).length, 1);
  receiver.answer = 204;
  const before = receiver.taken.length;
  assert.equal((await stack.api('PATCH', `/v1/webhooks/${webhook.webhook_id}`, { enabled: true })).json.enabled, true);
  await stack.api('POST', `/v1/webhooks/${webhook.webhook_id}/test`);
  await until('it to be told again', () => receiver.taken.length > before);
  const lines = await stack.logs('metadata');
  secretless(lines);
  assert.ok(lines.some((line) => line.msg.startsWith('a webhook has been disabled') && line.webhook_id === webhook.webhook_id));
});
