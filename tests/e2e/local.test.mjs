import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, test } from 'node:test';

import { root, run, Stack } from '../env/stack.mjs';

const stack = new Stack('local', 14080);
after(() => stack.down(['--wipe']));

test('a second up.sh finds everything running, down.sh leaves no process behind', async () => {
  await stack.down(['--wipe']);
  const first = await stack.up();
  assert.match(first.stdout, /==> starting postgres[^]*==> starting varnish[^]*Vora is running/);
  const pids = (await stack.shell('for p in "${STACK_PARTS[@]}"; do part_pid "$p"; done')).stdout.trim().split('\n');
  assert.equal(String(pids.length), (await stack.shell('echo ${#STACK_PARTS[@]}')).stdout.trim());
  const second = await stack.up();
  assert.doesNotMatch(second.stdout, /starting/);
  assert.deepEqual((await stack.shell('for p in "${STACK_PARTS[@]}"; do part_pid "$p"; done')).stdout.trim().split('\n'), pids);

  // A part that died is started again, the others are left alone.
  await stack.kill('streaming-gateway');
  const third = await stack.up();
  assert.match(third.stdout, /starting streaming-gateway/);
  assert.doesNotMatch(third.stdout, /starting (postgres|upload|metadata|orchestrator)/);

  await stack.down();
  const { stdout } = await run('bash', ['-c', `ps -eo pid,args | grep -F "${stack.home}" | grep -v grep; for p in ${pids.join(' ')}; do ps -o stat= -p $p | grep -qv '^Z' && echo "left: $p"; done; true`]);
  assert.equal(stdout.trim(), '');
});

test('up.sh --demo ends with a video that plays', async () => {
  const demo = await stack.up(['--no-build', '--demo']);
  assert.match(demo.stderr, /upload {4}\[#{24}\] 100 %/);
  for (const name of ['360p', '720p', '1080p', 'audio_0']) assert.match(demo.stderr, new RegExp(`${name} +\\[#{20}\\] 100 % {2}DONE`));
  const url = /Ready\. Watch it at (\S+)/.exec(demo.stdout)?.[1];
  assert.ok(url, demo.stdout);
  assert.equal((await stack.fetch(url)).status, 200);
  assert.match(await (await stack.fetch(url.replace('/watch/', '/v/') + '/master.m3u8')).text(), /#EXT-X-STREAM-INF/);
});

test('every daemon drains and ends with code 0 on SIGTERM', async () => {
  await stack.up();
  for (const part of ['upload', 'metadata', 'orchestrator', 'transcode-worker', 'analytics-ingest', 'streaming-gateway']) {
    await stack.stop(part);
    const last = (await stack.logs(part)).slice(-3).map((line) => line.msg);
    assert.ok(last.includes('stopped'), `${part}: ${last}`);
    await stack.start(part);
  }
  await stack.down();
});

test('a used port, a wrong setting and a wrong argument are named with what to do', async () => {
  const holder = createServer().listen(14081, '127.0.0.1');
  const used = await run(`${root}/deploy/local/up.sh`, ['--no-build'], { env: stack.env });
  holder.close();
  assert.equal(used.code, 1);
  assert.match(used.stderr, /port 14081, which upload needs, is used already by "node"/);
  assert.match(used.stderr, /VORA_PORT_BASE=/);
  await stack.down();

  const wrong = await run(`${root}/deploy/local/up.sh`, ['--no-build'], { env: { ...stack.env, VORA_LOG_LEVEL: 'loud' } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /orchestrator stopped while it started[^]*VORA_LOG_LEVEL[^]*what to do/);
  await stack.down();

  assert.equal((await run(`${root}/deploy/local/up.sh`, ['--nonsense'], { env: stack.env })).code, 1);
  assert.match((await run(`${root}/deploy/local/up.sh`, ['--no-build', '--demo', '/nowhere.mp4'], { env: stack.env })).stderr, /\/nowhere\.mp4 cannot be read/);
});
