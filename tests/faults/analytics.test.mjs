// The analytics daemon under faults: whatever happens, every event that was answered 202 is in ClickHouse exactly once.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Ingest, Load } from '../env/ingest.mjs';
import { run, Stack, until } from '../env/stack.mjs';

const stack = new Stack('analytics', 26080);
const kills = 50;
let ingest;

before(async () => {
  await stack.down(['--wipe']);
  await mkdir(path.join(stack.home, 'run'), { recursive: true });
  await mkdir(path.join(stack.home, 'logs'), { recursive: true });
  await stack.start('clickhouse');
});
after(async () => {
  if (ingest?.child) await ingest.kill();
  await stack.down();
});
afterEach(async () => {
  if (ingest?.child) await ingest.kill();
});

const video = () => `v-${randomBytes(6).toString('hex')}`;
const sealed = async (folder) => (await readdir(folder)).filter((name) => /^[0-9a-f]{16}\./.test(name) && !name.endsWith('.damaged')).sort();
async function fresh(options) {
  ingest = new Ingest(stack, options);
  await ingest.wipe();
  await ingest.start();
  return ingest;
}

test(`killed ${kills} times at random instants under load`, async () => {
  await fresh();
  const load = new Load(ingest, video());
  load.start();
  for (let i = 0; i < kills; ++i) {
    await pause(20 + Math.random() * 300);  // the instant is the point of the test
    await ingest.kill();
    await ingest.start();
  }
  await load.stop();
  await ingest.drained();
  const rows = await load.prove();
  assert.ok(rows > kills * 20, `only ${rows} rows: the load was none`);
  await ingest.stop();
});

test('ClickHouse is away for 60 s, then killed in the middle of its work: ingest goes on, afterwards the counts are exact', async () => {
  await fresh();
  const load = new Load(ingest, video(), { senders: 4, gap: 10 });
  load.start();
  await until('rows in ClickHouse', async () => (await ingest.metric('vora_ship_rows_total')) > 0, { timeout: 30_000 });
  await stack.kill('clickhouse');
  const away = Date.now();
  const before = load.answered.size;
  await until('a minute without ClickHouse', () => Date.now() - away >= 60_000, { timeout: 90_000, every: 500 });
  assert.ok(load.answered.size > before + 1000, 'events are accepted while ClickHouse is away');
  assert.equal((await fetch(`http://127.0.0.1:${ingest.admin}/readyz`)).status, 200, 'ingest stays ready');
  assert.ok((await ingest.metric('vora_spool_rows')) > 0);
  await stack.start('clickhouse');
  // While it catches up, ClickHouse dies a few times more, and freezes once.
  for (let i = 0; i < 5; ++i) {
    await pause(200 + Math.random() * 800);
    await stack.kill('clickhouse');
    await stack.start('clickhouse');
  }
  const pid = await stack.pid('clickhouse');
  process.kill(pid, 'SIGSTOP');
  await pause(3000);
  process.kill(pid, 'SIGCONT');
  await load.stop();
  await ingest.drained(120_000);
  await load.prove();
  await ingest.stop();
});

test('a full disk refuses events clearly, loses none that was accepted, and heals by itself', async () => {
  const folder = path.join(stack.home, 'small-disk');
  await mkdir(folder, { recursive: true });
  const mounted = (await run('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])).code === 0;
  try {
    ingest = new Ingest(stack, { spool: path.join(folder, 'spool') });
    await ingest.wipe();
    await stack.stop('clickhouse');  // so that nothing leaves the spool
    await ingest.start();
    // Where no file system can be mounted, a limit on the size of files gives the same errors.
    if (!mounted) await run('prlimit', ['--pid', String(ingest.child.pid), '--fsize=65536']);
    const load = new Load(ingest, video(), { senders: 4, batch: 50 });
    load.start();
    await until('events to be refused', () => load.refused > 0, { timeout: 60_000, every: 20 });
    const refusal = await ingest.post('[{"video_id":"v","session_id":"s","sequence":0,"type":"play"}]');
    if (refusal.status !== 202) {
      assert.equal(refusal.status, 503, refusal.body);
      assert.ok(Number(refusal.headers['retry-after']) >= 1);
      assert.match(JSON.parse(refusal.body).error.message, /spool|disk|space/i);
    }
    const before = load.answered.size;
    if (mounted) assert.equal((await run('mount', ['-o', 'remount,size=64m', folder])).code, 0);
    else await run('prlimit', ['--pid', String(ingest.child.pid), '--fsize=unlimited']);
    await until('events to be accepted again', () => load.answered.size > before, { timeout: 30_000, every: 20 });
    await load.stop();
    await stack.start('clickhouse');
    await ingest.drained();
    await load.prove();
    await ingest.stop();
  } finally {
    if (ingest?.child) await ingest.kill();
    if (mounted) await run('umount', [folder]);
    await stack.start('clickhouse');
  }
});

test('a damaged spool segment is reported, quarantined and kept; all others arrive', async () => {
  await fresh();
  await stack.stop('clickhouse');
  const first = new Load(ingest, video(), { senders: 2 });
  first.start();
  await until('three segments', async () => (await sealed(ingest.spool)).length >= 4, { timeout: 30_000 });
  await first.stop();
  await ingest.kill();
  const files = await sealed(ingest.spool);
  const victim = path.join(ingest.spool, files[1]);
  const bytes = await readFile(victim);
  bytes[bytes.length >> 1] ^= 0x10;
  await writeFile(victim, bytes);
  const check = await run(ingest.program, ['--check-spool', ingest.spool]);
  assert.equal(check.code, 1, `${check.stdout}${check.stderr}`);
  assert.ok(check.stdout.includes(files[1].slice(0, 16)), check.stdout);

  await ingest.start();
  await stack.start('clickhouse');
  await until('the segment to be quarantined', async () => (await readdir(ingest.spool)).some((name) => name.endsWith('.damaged')), { timeout: 30_000 });
  await ingest.drained();
  assert.equal(await ingest.metric('vora_spool_damaged_segments_total'), 1);
  // What is missing was in the damaged segment, and that is still there for people to read.
  const rows = await stack.clickhouse(`SELECT session_id, sequence, count() FROM playback_events WHERE video_id = '${first.video}' GROUP BY session_id, sequence`);
  for (const [session, sequence, count] of rows) assert.equal(count, '1', `${session} ${sequence}`);
  const missing = first.answered.size - rows.filter(([session, sequence]) => first.answered.has(`${session} ${sequence}`)).length;
  const kept = (await readdir(ingest.spool)).find((name) => name.endsWith('.damaged'));
  assert.equal((await stat(path.join(ingest.spool, kept))).size, bytes.length, 'the damaged file is whole');
  assert.ok(missing > 0 && missing < first.answered.size / 2, `${missing} of ${first.answered.size} are missing`);
  // Nothing loops, and new events arrive.
  const second = new Load(ingest, video(), { senders: 2 });
  second.start();
  await until('new rows', async () => second.answered.size > 200);
  await second.stop();
  await ingest.drained();
  await second.prove();
  await ingest.stop();
});

test('the clock goes backwards over midnight, also across a restart', async () => {
  const clock = path.join(stack.home, 'clock');
  const preload = (await run('bash', ['-c', 'ls /usr/lib/*/faketime/libfaketime.so.1'])).stdout.trim();
  assert.ok(preload, 'libfaketime is installed');
  const env = { LD_PRELOAD: preload, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' };
  await writeFile(clock, '+0\n');
  ingest = new Ingest(stack, { env });
  await ingest.wipe();
  await ingest.start();
  const load = new Load(ingest, video(), { senders: 3 });
  const more = async () => {
    const had = load.answered.size;
    await until('more events', () => load.answered.size > had + 300, { timeout: 20_000, every: 10 });
  };
  load.start();
  await more();
  for (const offset of ['-26h', '-25h', '+30h', '-50h']) {
    await writeFile(clock, `${offset}\n`);
    await more();
  }
  await ingest.kill();
  await writeFile(clock, '-80h\n');
  await ingest.start();
  await more();
  await writeFile(clock, '+0\n');
  await more();
  await load.stop();
  await ingest.drained();
  await load.prove();
  await ingest.stop();
});
