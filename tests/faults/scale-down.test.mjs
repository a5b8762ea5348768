// Workers are taken away, one after the other, while several videos are processed: nobody notices but the clock.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice, history } from '../env/proof.mjs';
import { run, Stack, until } from '../env/stack.mjs';

const budget = 5000;   // from SIGTERM to the end of the process, its work handed back
const seconds = 28;   // three chunks, of 1, 3 and 3 segments
const stack = new Stack('scale-down', 30080, { VORA_LOG_LEVEL: 'debug' });
let file;

before(async () => {
  await stack.reset();
  file = await source({ seconds, width: 1280, height: 720 });
});
after(() => stack.down());

const addWorker = () => stack.replica('transcode-worker', { env: { VORA_WORKER_SLOTS: '1' } });

// What of the videos the worker holds, as the orchestrator knows it.
async function heldBy(worker, ids) {
  const all = [];
  for (const id of ids) {
    const { pending_activities: pending } = await history(stack, id);
    all.push(...pending.filter((a) => a.worker_id?.includes(`/${worker.pid}/`)));
  }
  return all;
}

async function encoders(worker) {
  const { stdout } = await run('pgrep', ['-P', String(worker.pid), '-f', 'child=encode']);
  return stdout.trim() ? stdout.trim().split('\n').length : 0;
}

// SIGTERM; how long it took to be gone.
async function remove(worker) {
  const began = performance.now();
  worker.kill('SIGTERM');
  const [code, signal] = await worker.exited;
  const took = Math.round(performance.now() - began);
  assert.equal(code, 0, `the worker ended with code ${code}, signal ${signal}`);
  assert.ok(took < budget, `the worker took ${took} ms to go`);
  return took;
}

const lines = async (id, message) => (await stack.logs('transcode-worker')).filter((l) => l.workflow_id === `video/${id}` && l.msg === message);

// What was handed back was continued after the checkpoint, by another worker, and no segment before it was encoded again.
async function assertContinued(ids) {
  let handedBack = 0;
  let behind = 0;
  let twice = 0;
  for (const id of ids) {
    const published = await lines(id, 'segment published');
    for (const back of await lines(id, 'a rendition of a chunk is handed back')) {
      handedBack += 1;
      const later = published.filter((l) => l.activity === back.activity && Date.parse(l.ts) > Date.parse(back.ts));
      for (const line of later) assert.ok(line.segment >= back.next_segment, `${back.activity}: segment ${line.segment} was encoded again, after a checkpoint at ${back.next_segment}`);
      if (back.published > 0) {
        behind += 1;
        const goesOn = (await lines(id, 'a rendition of a chunk goes on')).filter((l) => l.activity === back.activity);
        assert.ok(goesOn.some((l) => l.from_segment >= back.next_segment), `${back.activity} did not go on at ${back.next_segment}`);
      }
    }
    const times = new Map();
    for (const { activity, segment } of published) times.set(`${activity} ${segment}`, (times.get(`${activity} ${segment}`) ?? 0) + 1);
    for (const n of times.values()) twice += n - 1;
  }
  return { handedBack, behind, twice };
}

test('workers leave while videos are processed: all are READY, nothing is done twice, no attempt is lost', async (t) => {
  const workers = [await addWorker(), await addWorker(), await addWorker()];
  const ids = [];
  for (let i = 0; i < 3; ++i) ids.push((await stack.upload(file)).video_id);
  for (const worker of workers) {
    // In the middle of a chunk: some of its segments are published, others are not. The first chunk has one segment only, and nothing to
    // continue after. It may be over before it was seen, so there is always more to do.
    await until('the worker to be in the middle of a chunk', async () => {
      assert.equal(worker.exitCode, null, 'the worker has ended by itself');
      const states = await Promise.all(ids.map(async (id) => (await stack.video(id)).state));
      if (states.every((state) => state === 'READY')) ids.push((await stack.upload(file)).video_id);
      return (await encoders(worker)) > 0 && (await heldBy(worker, ids)).some((a) => a.activity_type === 'media.EncodeGroup' && a.activity_id !== 'chunk/0' && a.progress > 0.5 && a.progress < 0.9);
    }, { every: 20 });
    const took = await remove(worker);
    t.diagnostic(`a worker with encoders under way was gone ${took} ms after SIGTERM`);
    assert.deepEqual((await heldBy(worker, ids)).map((a) => a.activity_id), [], 'the queue has everything back at once');
  }
  for (const id of ids) {
    await stack.reach(id, ['READY'], { timeout: 400_000 });
    const { activities } = await assertNothingLostOrDoneTwice(stack, id, file, { frames: seconds * 30 });
    const retried = activities.filter((a) => a.ends[0].attempt !== 1).map((a) => a.id);
    assert.deepEqual(retried, [], 'handing back is no failed attempt');
  }
  const { handedBack, behind, twice } = await assertContinued(ids);
  assert.ok(behind > 0, `of ${handedBack} renditions of chunks that were handed back, one had a checkpoint`);
  // A segment may be published in the moment in which its chunk is handed back: then it is found, or made once more with the same bytes.
  assert.ok(twice <= handedBack, `${twice} segments were encoded twice, ${handedBack} chunks were handed back`);
  t.diagnostic(`${handedBack} renditions of chunks were handed back, ${behind} of them with segments published; ${twice} segments under way were encoded again`);
});

test('the last worker leaves too; work waits, and goes on when one comes back', async (t) => {
  const id = (await stack.upload(file)).video_id;
  const worker = await stack.pid('transcode-worker');
  await until('the worker to encode', () => encoders({ pid: worker }), { every: 20 });
  const began = performance.now();
  await stack.stop('transcode-worker');
  const took = Math.round(performance.now() - began);
  t.diagnostic(`the last worker was gone after ${took} ms`);
  assert.ok(took < budget + 500, `${took} ms`);   // the script that stops it looks every 50 ms
  await stack.start('transcode-worker');
  await stack.reach(id);
  await assertNothingLostOrDoneTwice(stack, id, file, { frames: seconds * 30 });
  await assertContinued([id]);
});
