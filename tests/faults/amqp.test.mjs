// Tasks from a real RabbitMQ: each becomes one video and every state is answered, whoever dies meanwhile.
import assert from 'node:assert/strict';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import amqp from 'amqplib';

import { Gate } from '../env/gate.mjs';
import { makeIssuer, token } from '../env/jwt.mjs';
import { source } from '../env/media.mjs';
import { RabbitMq } from '../env/rabbitmq.mjs';
import { root, run, Stack, until } from '../env/stack.mjs';

const base = 15480;
const home = path.resolve(process.env.VORA_HOME ?? '.vora/tests');
const share = path.join(home, 'amqp-share'), away = path.join(home, 'amqp-share-away');
const rabbit = new RabbitMq(path.join(home, 'amqp-broker'), base + 1310);
const queue = 'vora.tasks', exchange = 'vora.answers';
let gate, stack, file;

// Whoever listens to the answers: it has its own connection, and comes back when the broker does.
class Listener {
  answers = [];
  async listen() {
    this.connection = await amqp.connect(rabbit.url);
    this.connection.on('error', () => {});
    const channel = await this.connection.createChannel();
    await channel.consume('answers', (message) => {
      if (!message) return;
      this.answers.push({ ...message.properties, body: JSON.parse(message.content.toString()), key: message.fields.routingKey });
      channel.ack(message);
    });
    return this;
  }
  // Of a task, without those that came twice, as their ids tell.
  of(task) {
    const seen = new Map();
    for (const answer of this.answers) if (answer.correlationId === task) seen.set(answer.messageId, answer);
    return [...seen.values()];
  }
  async told(task, type = 'video.ready') {
    return until(`${type} of ${task}`, async () => this.of(task).find((answer) => answer.type === type), { timeout: 240_000 })
      .catch((error) => assert.fail(`${error.message}; told: ${this.of(task).map((answer) => answer.type)}`));
  }
}
const listener = new Listener();

async function withChannel(work) {
  const connection = await amqp.connect(rabbit.url);
  try {
    return await work(await connection.createConfirmChannel());
  } finally {
    await connection.close();
  }
}
async function send(task, body, properties = {}) {
  await withChannel(async (channel) => {
    channel.sendToQueue(queue, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), {
      persistent: true, contentType: 'application/json', ...(task ? { messageId: task } : {}), ...properties,
    });
    await channel.waitForConfirms();
  });
}
// A file of its own in the share.
async function film(name) {
  await copyFile(file, path.join(share, `${name}.mp4`));
  return { source: { name: 'nas', key: `${name}.mp4` }, external_id: `cms/${name}` };
}
const videosOf = async (name) => (await stack.api('GET', `/v1/videos?external_id=cms/${name}`)).json.videos;
const waiting = (name = queue) => withChannel(async (channel) => (await channel.checkQueue(name)).messageCount);
const ready = async () => (await stack.probe('amqp', '/readyz')).ok;
const reason = async (pattern) => until(`/readyz to say ${pattern}`, async () => {
  const { ok, text } = await stack.probe('amqp', '/readyz');
  return !ok && pattern.test(text);
}, { timeout: 60_000 });
const changes = async () => (await stack.logs('amqp')).filter(({ msg }) => /^the broker .* (cannot be used now|can be used)/.test(msg)).length;

before(async () => {
  for (const folder of [share, away]) await rm(folder, { recursive: true, force: true });
  await mkdir(share, { recursive: true });
  file = await source({ seconds: 2, width: 320, height: 180 });
  await rabbit.begin();
  gate = await Gate.open([rabbit.port], base + 1320);
  await topology();
  await listener.listen();
  stack = new Stack('amqp', base, {
    VORA_AMQP_URL: `amqp://guest:guest@127.0.0.1:${gate.port}/`, VORA_AMQP_QUEUE: queue, VORA_AMQP_REPLY_EXCHANGE: exchange,
    VORA_AMQP_PREFETCH: '8', VORA_SOURCES: `nas=file://${share}?settle=0s;away=file://${away}?settle=0s`, VORA_IMPORT_ALLOW_PRIVATE: 'yes',
  });
  await stack.reset();
});
after(async () => {
  await stack?.down();
  await gate?.close();
  await listener.connection?.close().catch(() => {});
  await rabbit.stop();
});

// Every event, by the bridge.
const acknowledged = () => until('everything to be acknowledged', async () => Number((await stack.postgres('vora_metadata',
  "SELECT count(*) FROM webhook_deliveries JOIN webhooks USING (webhook_id) WHERE subscription = 'amqp'"))[0][0]) === 0);

// What the site owns: its queue with a dead-letter queue, and where the answers go.
const topology = () => withChannel(async (channel) => {
  await channel.assertQueue('dead', { durable: true });
  await channel.assertQueue(queue, { durable: true, deadLetterExchange: '', deadLetterRoutingKey: 'dead' });
  await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue('answers', { durable: true });
  await channel.bindQueue('answers', exchange, '#');
});

test('a plain task becomes a video, and every state of it is answered', async () => {
  await send('plain-1', { ...(await film('plain')), title: 'Plain', labels: { show: 'news' } }, { replyTo: 'own', correlationId: 'call-1' });
  const done = await listener.told('call-1');
  assert.deepEqual(listener.of('call-1').map((answer) => answer.type).sort(), ['task.accepted', 'video.partially_ready', 'video.processing', 'video.ready']);
  const [video] = await videosOf('plain');
  assert.equal(done.key, 'video.ready');
  assert.equal(done.deliveryMode, 2);
  assert.equal(done.body.task_id, 'call-1');
  assert.equal(done.body.status, 'SUCCESS');
  assert.equal(done.body.data.video_id, video.video_id);
  assert.equal(done.body.data.title, 'Plain');
  assert.deepEqual(done.body.data.labels, { show: 'news' });
  assert.equal(done.body.data.hls_url, video.hls_url);
  assert.equal((await fetch(done.body.data.hls_url)).status, 200, 'and it plays');
  const [accepted] = listener.of('call-1').filter((answer) => answer.type === 'task.accepted');
  assert.deepEqual([accepted.body.data.video_id, accepted.body.data.state, accepted.body.status], [video.video_id, 'CREATED', 'RECEIVED']);
  assert.equal(await waiting(), 0);
});

test('a task of a real Celery becomes a video, and its AsyncResult the result; one that cannot be is raised there', async () => {
  // Debian's, which has Debian's Celery; another may stand before it.
  const celery = async (kwargs) => {
    const { code, stdout, stderr } = await run('/usr/bin/python3', [path.join(root, 'tests/env/celery_task.py'), rabbit.url, queue, JSON.stringify(kwargs), '200']);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const answer = await celery(await film('celery'));
  const [video] = await videosOf('celery');
  assert.equal(answer.status, 'SUCCESS', JSON.stringify(answer));
  assert.equal(answer.result.video_id, video.video_id);
  assert.equal(answer.result.hls_url, video.hls_url);
  assert.equal((await listener.told(answer.task_id)).body.data.video_id, video.video_id, 'the exchange gets it too');
  const refused = await celery({ source: { name: 'nas', key: 'not there.mp4' } });
  assert.equal(refused.status, 'FAILURE');
  assert.match(refused.message, /source\.key: there is no such file/);
});

test('bad tasks are answered with the field and the limit, and are in the dead-letter queue; the next one is not held up', async () => {
  const before = await waiting('dead');
  const bad = {
    'bad-json': ['{"source":', 'body'],
    'bad-field': [{ sauce: 1 }, 'sauce'],
    'bad-type': [{ source: { url: 7 } }, 'source.url'],
    'bad-source': [{}, 'source'],
    'bad-title': [{ ...(await film('never')), title: 'x'.repeat(201) }, 'title', '200 characters'],
    'bad-file': [{ source: { name: 'nas', key: 'nowhere.mp4' } }, 'source.key'],
    'bad-key': [{ source: { name: 'nas', key: 'a\0b.mp4' } }, 'source.key'],
    'bad-url': [{ source: { url: 'http://127.0.0.1/a\0b.mp4' } }, 'source.url'],
    'bad-size': [`{"title":"${'x'.repeat(300_000)}"}`, 'body', '262144 bytes'],
  };
  for (const [task, [body]] of Object.entries(bad)) await send(task, body);
  await send(null, await film('nameless'));
  await send(null, { source: { name: 'nas', key: 'nameless.mp4' } });
  await send('good', await film('good'));
  for (const [task, [, field, limit]] of Object.entries(bad)) {
    const { body } = await listener.told(task, 'task.refused');
    assert.equal(body.error.field, field, JSON.stringify(body));
    if (limit) assert.match(body.error.limit, new RegExp(limit));
    assert.equal(body.status, 'FAILURE');
  }
  await listener.told('good');
  await listener.told('cms/nameless');   // its external_id is its name
  await until('the dead letters', async () => (await waiting('dead')) === before + Object.keys(bad).length + 1);
  assert.deepEqual(await videosOf('never'), []);
  assert.match((await stack.probe('amqp', '/metrics')).text, /vora_amqp_tasks_total\{result="refused"\} [1-9]/);
});

test('a video that fails is answered with the reason', async () => {
  await writeFile(path.join(share, 'letter.mp4'), 'no picture, no audio\n'.repeat(100));
  await send('letter', { source: { name: 'nas', key: 'letter.mp4' } });
  const { body } = await listener.told('letter', 'video.failed');
  assert.equal(body.status, 'FAILURE');
  assert.ok(body.data.failure.code && body.data.failure.message, JSON.stringify(body));
  assert.equal(body.result.exc_type, body.data.failure.code);
});

test('the same message again is the same video; another task for the same file is answered too', async () => {
  const body = await film('twice');
  await send('twice-1', body);
  await send('twice-1', body);
  const { body: { data } } = await listener.told('twice-1');
  await send('twice-2', body);
  const late = await listener.told('twice-2', 'task.accepted');
  assert.equal(late.body.data.video_id, data.video_id);
  assert.equal(late.body.status, 'SUCCESS', 'it is there already');
  assert.equal(late.body.data.hls_url, data.hls_url);
  assert.equal((await videosOf('twice')).length, 1);
  await send('twice-1', body, { correlationId: 'somebody else' });
  assert.equal((await listener.told('somebody else', 'task.accepted')).body.data.video_id, data.video_id);
});

test('forty tasks for one file, and a change of its labels in the middle of it: each is answered', async () => {
  const body = await film('wanted');
  const tasks = Array.from({ length: 40 }, (_, i) => `wanted-${i}`);
  await send(tasks[0], { ...body, labels: { show: 'news' } });
  const { body: { data } } = await listener.told(tasks[0], 'task.accepted');
  assert.equal((await stack.api('PATCH', `/v1/videos/${data.video_id}`, { labels: {} })).status, 200);
  for (const task of tasks.slice(1)) await send(task, body);
  for (const task of tasks) {
    const ready = await until(`the result of ${task}`, async () => listener.of(task).find((answer) => answer.body.status === 'SUCCESS'), { timeout: 120_000 });
    assert.equal(ready.body.data.video_id, data.video_id);
  }
  assert.deepEqual((await listener.told(tasks[0])).body.data.labels, {});
  assert.equal((await stack.api('DELETE', `/v1/videos/${data.video_id}`)).status, 204);
  for (const task of tasks) assert.equal((await listener.told(task, 'video.deleted')).body.status, 'REVOKED');
  await until('the recipients to be gone with it', async () =>
    Number((await stack.postgres('vora_metadata', `SELECT count(*) FROM video_recipients WHERE video_id = '${data.video_id}'`))[0][0]) === 0);
});

test('tasks that cannot be decided let those behind them have their turn, and are done when they can be', async () => {
  const stuck = Array.from({ length: 12 }, (_, i) => `stuck-${i}`);   // more than are held
  for (const task of stuck) await send(task, { source: { name: 'away', key: `${task}.mp4` } });
  await send('behind', await film('behind'));
  await listener.told('behind');
  assert.ok(await ready(), 'nothing is wrong with metadata');
  for (const task of stuck) assert.deepEqual(listener.of(task), []);
  assert.match((await stack.probe('amqp', '/metrics')).text, /vora_amqp_tasks_total\{result="moved"\} [1-9]/);
  await mkdir(away);
  for (const task of stuck) await copyFile(file, path.join(away, `${task}.mp4`));
  for (const task of stuck) await listener.told(task);
  const made = await stack.postgres('vora_metadata', "SELECT video_id FROM videos WHERE origin_source = 'away'");
  assert.equal(made.length, stuck.length);
  await until('the queue to be empty', async () => (await waiting()) === 0);
  await rm(away, { recursive: true });
});

test('a task that cannot be decided for too long is refused, and is in the dead-letter queue as it was sent', async () => {
  await withChannel(async (channel) => {
    await channel.assertQueue('given up', { durable: true });
    await channel.assertQueue('impatient', { durable: true, deadLetterExchange: '', deadLetterRoutingKey: 'given up' });
    channel.sendToQueue('impatient', Buffer.from(JSON.stringify({ source: { name: 'away', key: 'never.mp4' } })), {
      persistent: true, messageId: 'never', correlationId: 'never', priority: 3, type: 'import', appId: 'site', timestamp: 1_800_000_000, headers: { retries: 7, origin: 'site', nested: { a: [1, 'b'] } } });
    await channel.waitForConfirms();
  });
  const impatient = await stack.replica('amqp', { env: { VORA_AMQP_QUEUE: 'impatient', VORA_AMQP_GIVE_UP_AFTER: '40s' } });
  const refused = await listener.told('never', 'task.refused');
  assert.equal(refused.body.error.reason, 'unavailable');
  assert.match(refused.body.error.message, /VORA_AMQP_GIVE_UP_AFTER.*source\.key/);
  assert.equal(refused.body.status, 'FAILURE');
  await until('the dead letter', async () => (await waiting('given up')) === 1);
  const { properties, content } = await withChannel((channel) => channel.get('given up', { noAck: true }));
  assert.deepEqual(JSON.parse(content), { source: { name: 'away', key: 'never.mp4' } });
  assert.deepEqual([properties.messageId, properties.priority, properties.type, properties.appId, properties.timestamp, properties.deliveryMode], ['never', 3, 'import', 'site', 1_800_000_000, 2]);
  const { 'vora-undecided-since': since, retries, origin, nested } = properties.headers;
  assert.ok(Date.parse(since) < Date.now(), 'it was moved to the end of the queue');
  assert.deepEqual({ retries, origin, nested }, { retries: 7, origin: 'site', nested: { a: [1, 'b'] } });
  impatient.kill('SIGTERM');
  assert.deepEqual(await impatient.exited, [0, null]);
});

test('an answer that the broker cannot keep is published again, and nothing else waits for it', async () => {
  await withChannel(async (channel) => {
    await channel.assertQueue('full', { durable: true, maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } });
    channel.sendToQueue('full', Buffer.from('{}'));
    await channel.waitForConfirms();
  });
  const before = await changes();
  await send('full-1', await film('full'), { replyTo: 'full' });
  await send('beside', await film('beside'));
  await listener.told('beside');
  await listener.told('full-1');   // at the exchange
  assert.match((await stack.probe('amqp', '/metrics')).text, /vora_amqp_replies_total\{result="refused"\} [1-9]/);
  const types = new Set();
  await until('all answers to be in the queue', async () => {
    const message = await withChannel((channel) => channel.get('full', { noAck: true }));
    if (message) types.add(message.properties.type);
    return types.has('video.ready') && types.has('task.accepted');
  }, { timeout: 240_000 });
  await withChannel((channel) => channel.deleteQueue('full'));
  await acknowledged();   // what reaches no queue any more waits for none
  assert.equal(await changes(), before, 'the connection has stayed');
});

test('the bridge dies between the answer of metadata and the acknowledgement: the redelivery makes no second video', async () => {
  await gate.break('lose requests');
  await send('torn', { ...(await film('torn')), external_id: '' });
  const made = () => stack.postgres('vora_metadata', "SELECT video_id FROM videos WHERE origin_key = 'torn.mp4'");
  await until('the video', async () => (await made()).length === 1);
  await stack.kill('amqp');
  await gate.close();   // what was on its way is lost with it
  await gate.heal();
  await until('the message to be in the queue again', async () => (await waiting()) === 1);
  assert.deepEqual(listener.of('torn'), [], 'nobody was told');
  await stack.start('amqp');
  const { body } = await listener.told('torn');
  assert.deepEqual(await made(), [[body.data.video_id]]);
  assert.ok(listener.of('torn').some((answer) => answer.type === 'task.accepted'));
});

test('the broker is killed in the middle of 24 tasks, with the bridge and metadata after it: 24 videos, and every one is answered', async () => {
  const names = Array.from({ length: 24 }, (_, i) => `many-${i}`);
  const other = await stack.replica('amqp');
  for (const name of names) await send(name, await film(name));
  await until('the first to be ready', async () => names.some((name) => listener.of(name).some((answer) => answer.type === 'video.ready')));
  other.kill('SIGTERM');
  assert.deepEqual(await other.exited, [0, null], 'it drains, and its tasks are the other one\'s');
  const before = await changes();
  await rabbit.kill();
  await reason(/the broker/);
  await rabbit.start();
  await listener.listen();
  await until('the bridge to be ready', ready, { timeout: 60_000 });
  await stack.kill('amqp');
  await stack.start('amqp');
  await stack.kill('metadata');
  await reason(/metadata/);
  await stack.start('metadata');
  for (const name of names) {
    const { body } = await listener.told(name);
    const videos = await videosOf(name);
    assert.deepEqual(videos.map((video) => video.video_id), [body.data.video_id], name);
    const types = new Set(listener.of(name).map((answer) => answer.type));
    for (const type of ['task.accepted', 'video.processing', 'video.ready']) assert.ok(types.has(type), `${name} was not told ${type}`);
  }
  assert.equal(await waiting(), 0);
  await acknowledged();
  // Away, perhaps away for another reason, and back; and again for the bridge that began anew.
  assert.ok((await changes()) - before <= 12, 'a line for each change, and not for each try');
});

test('a broker that refuses, one that is silent, and a queue that is deleted: the bridge says so and goes on by itself', async () => {
  await gate.break('refuse');
  await reason(/the broker/);
  await send('refused-1', await film('refused'));
  await gate.heal();
  await listener.told('refused-1');
  await until('the bridge to be ready', ready);

  await gate.break('stall');
  await reason(/the broker/);
  await send('silent-1', await film('silent'));
  await gate.heal();
  await listener.told('silent-1');

  await until('the bridge to be ready', ready);
  await withChannel((channel) => channel.deleteQueue(queue));
  await reason(/no queue 'vora\.tasks'|was deleted/);
  await topology();
  await send('again-1', await film('again'));
  await listener.told('again-1');
});

test('a broker short of memory takes no answers: the bridge says so, and goes on when it does', async () => {
  await gate.break('refuse');
  await send('blocked-1', await film('blocked'));
  await rabbit.ctl('set_vm_memory_high_watermark', '0.000001');
  await gate.heal();
  await reason(/short of memory/);
  assert.equal((await videosOf('blocked')).length, 1, 'the task was taken, and is not acknowledged');
  assert.deepEqual(listener.of('blocked-1'), []);
  await rabbit.ctl('set_vm_memory_high_watermark', '0.6');
  await listener.told('blocked-1');
  assert.equal((await videosOf('blocked')).length, 1);
  await until('the bridge to be ready', ready);
});

// Of one more bridge, by itself: what it answers at /readyz.
const readyz = async (port) => {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  return response && `${response.status} ${await response.text()}`;
};

test('over TLS the certificate of the broker is checked', async () => {
  await withChannel((channel) => channel.assertQueue('tls', { durable: true }));
  const port = base + 1330;
  const bridge = (ca) => stack.replica('amqp', { env: {
    VORA_AMQP_URL: rabbit.tlsUrl, VORA_AMQP_CA: ca, VORA_AMQP_QUEUE: 'tls', VORA_ADMIN_LISTEN: `127.0.0.1:${port}` } });
  const stranger = await bridge('');   // the system's authorities, of which the broker's is none
  await until('the reason', async () => /503[^]*certificate|503[^]*SSL/i.test((await readyz(port)) ?? ''));
  stranger.kill('SIGTERM');
  assert.deepEqual(await stranger.exited, [0, null]);
  const friend = await bridge(rabbit.authority);
  await until('it to be ready', async () => (await readyz(port))?.startsWith('200'));
  await withChannel(async (channel) => {
    channel.sendToQueue('tls', Buffer.from(JSON.stringify(await film('tls'))), { persistent: true, messageId: 'tls-1' });
    await channel.waitForConfirms();
  });
  await listener.told('tls-1');
  friend.kill('SIGTERM');
  assert.deepEqual(await friend.exited, [0, null]);
});

test('where tokens are asked for, tasks wait for a good one, and belong to its tenant', async () => {
  await withChannel((channel) => channel.assertQueue('acme', { durable: true }));
  const issuer = makeIssuer();
  const [grpc, port] = [base + 1340, base + 1341];
  const guarded = await stack.replica('metadata', { env: {
    VORA_AUTH: 'jwt', VORA_JWT_SECRET: issuer.secret, VORA_JWT_AUDIENCE: 'vora', VORA_FLEET_SECRET: 'f'.repeat(32), VORA_GRPC_LISTEN: `127.0.0.1:${grpc}`,
    VORA_HTTP_LISTEN: '127.0.0.1:0' } });
  const file = path.join(stack.home, 'amqp.token');
  await writeFile(file, token(issuer, { tenant: 'acme', scope: 'read' }));
  const bridge = await stack.replica('amqp', { env: {
    VORA_METADATA: `127.0.0.1:${grpc}`, VORA_TOKEN_FILE: file, VORA_AMQP_QUEUE: 'acme', VORA_ADMIN_LISTEN: `127.0.0.1:${port}` } });
  const { source: own } = await film('acme');
  await withChannel(async (channel) => {
    // Named sources belong to the default tenant.
    channel.sendToQueue('acme', Buffer.from(JSON.stringify({ source: own })), { persistent: true, messageId: 'acme-1' });
    await channel.waitForConfirms();
  });
  await until('the reason', async () => /503[^]*operate/.test((await readyz(port)) ?? ''));
  await writeFile(file, token(issuer, { tenant: 'acme', scope: 'read operate' }));
  await until('the other reason', async () => /503[^]*write/.test((await readyz(port)) ?? ''));
  await writeFile(file, token(issuer, { tenant: 'acme', scope: 'read write operate' }));
  const refused = await listener.told('acme-1', 'task.refused');
  assert.equal(refused.body.error.reason, 'not_found', 'nothing of another tenant is found');
  assert.equal(await readyz(port).then((text) => text.slice(0, 3)), '200');
  for (const replica of [bridge, guarded]) {
    replica.kill('SIGTERM');
    assert.deepEqual(await replica.exited, [0, null]);
  }
});
