// Everything that may die is killed at random moments while many short videos are uploaded and processed, and started again a moment later:
// afterwards every video is READY, every effect is there once, and nothing is left behind.
//
// The moments come from a seed, which is printed with the schedule it makes. VORA_KILL_SEED=N repeats a schedule; VORA_KILL_MATRIX=long takes
// 50 videos and kills everything three times, for each of VORA_KILL_SEEDS (3) seeds.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { Gate } from '../env/gate.mjs';
import { assertNothingIsLeftOver } from '../env/leftovers.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { S3Server } from '../env/s3.mjs';
import { short, shortLadder } from '../env/shorts.mjs';
import { Stack, until } from '../env/stack.mjs';

const long = process.env.VORA_KILL_MATRIX === 'long';
const count = long ? 50 : 18, times = long ? 3 : 1;
const atOnce = 6;   // videos that are uploaded or processed at the same time
const seeds = process.env.VORA_KILL_SEED ? [Number(process.env.VORA_KILL_SEED)] : Array.from({ length: long ? Number(process.env.VORA_KILL_SEEDS ?? 3) : 1 }, () => randomInt(2 ** 31));
const [base, balancer, secondOrchestrator] = [31080, 32380, 32381];
const victims = ['orchestrator', 'second orchestrator', 'worker', 'second worker', 'third worker', 'decoder', 'encoder', 'metadata', 'PostgreSQL', 'object store'];
let stack, s3, gate;

after(async () => {
  await stack?.down();
  await gate?.close();
  await s3?.stop();
});

// Numbers of 0 to 1 (mulberry32).
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Who is killed when: `delay` ms after the upload of video `video` has begun, and started again after `away` ms. `which`: of several children.
function schedule(seed) {
  const random = generator(seed);
  const kills = victims.flatMap((victim) => Array.from({ length: times }, () => ({
    victim, video: 2 + Math.floor(random() * (count - 2)), delay: Math.floor(random() * 2000), away: 200 + Math.floor(random() * 3800), which: random(),
  })));
  return kills.sort((a, b) => a.video - b.video || a.delay - b.delay);
}

async function start() {
  await stack?.down();
  await gate?.close();
  await s3?.stop();
  s3 = await S3Server.start('kill-rgw', 17500);
  gate = await Gate.open([base + 1005, secondOrchestrator], balancer);
  const media = path.join(s3.home, 'media');
  stack = new Stack('kill', base, {
    ...s3.env, VORA_LADDER: await shortLadder(media), VORA_WORKER_SLOTS: '2', VORA_UPLOAD_EXPIRY: '30s', VORA_UPLOAD_SWEEP_INTERVAL: '1s',
  });
  const balanced = { VORA_ORCHESTRATOR: `127.0.0.1:${balancer}` };
  await stack.reset({ metadata: balanced, 'transcode-worker': balanced });
  return media;
}

// Those that live for a tenth of a second only are to be found too: straight from the kernel.
async function childrenOf(parents, role) {
  const read = (file) => readFile(file, 'utf8').catch(() => '');   // of a process that ends meanwhile
  const found = [];
  for (const parent of parents) {
    for (const thread of await readdir(`/proc/${parent}/task`).catch(() => [])) {
      for (const pid of (await read(`/proc/${parent}/task/${thread}/children`)).split(' ').filter(Boolean)) {
        if ((await read(`/proc/${pid}/cmdline`)).split('\0').includes(`--child=${role}`)) found.push(Number(pid));
      }
    }
  }
  return found.length > 0 && found;
}

// How each victim dies and comes back.
async function fleet() {
  const part = (name) => ({ kill: () => stack.kill(name), start: () => stack.start(name), pid: () => stack.pid(name) });
  const replica = async (name, env) => {
    let process = await stack.replica(name, { env });
    return {
      async kill() {
        assert.equal(process.exitCode, null, `${name} has ended by itself`);
        process.kill('SIGKILL');
        await process.exited;
      },
      async start() {
        process = await stack.replica(name, { like: process });
      },
      pid: () => process.pid,
    };
  };
  const all = {
    orchestrator: part('orchestrator'),
    'second orchestrator': await replica('orchestrator', { VORA_GRPC_LISTEN: `127.0.0.1:${secondOrchestrator}` }),
    worker: part('transcode-worker'),
    'second worker': await replica('transcode-worker'),
    'third worker': await replica('transcode-worker'),
    metadata: part('metadata'),
    PostgreSQL: part('postgres'),
    'object store': { kill: () => s3.kill(), start: () => s3.resume() },
  };
  const workers = [all.worker, all['second worker'], all['third worker']];
  // A child is killed as soon as there is one; its worker starts another.
  const child = (role) => ({
    async kill(which) {
      await until(`a child that ${role}s`, async () => {
        const parents = (await Promise.all(workers.map((worker) => worker.pid()))).filter(Boolean);
        const pids = await until('children', () => childrenOf(parents, role), { timeout: 1000, every: 2 });
        try {
          return process.kill(pids[Math.floor(which * pids.length)], 'SIGKILL');
        } catch (error) {
          if (error.code === 'ESRCH') return false;   // it has just ended
          throw error;
        }
      }, { every: 0 });
    },
    start() {},
  });
  Object.assign(all, { decoder: child('decode'), encoder: child('encode') });
  return { all, pids: () => Promise.all([...workers, all.metadata].map((worker) => worker.pid())) };
}

// Uploads all videos, a few at a time, and carries the schedule out meanwhile; { id, file, frames } of each.
async function processAll(media, kills, all, say) {
  const tasks = [];
  let failure = null;
  const begin = (promise) => {
    promise.catch((error) => { failure ??= error; });   // said at the end, when nothing is on its way any more
    tasks.push(promise);
    return promise;
  };
  let pending = kills.length;
  const dead = new Map(victims.map((victim) => [victim, Promise.resolve()]));
  const carryOut = async ({ victim, delay, away, which }) => {
    await pause(delay);   // the schedule's
    // One that is still away from the time before is waited for.
    const turn = dead.get(victim).then(async () => {
      await all[victim].kill(which);
      say(`${victim} was killed`);
      --pending;
      await pause(away);
      await all[victim].start();
    });
    dead.set(victim, turn);
    await turn;
  };
  const videos = [];
  const under = new Set();
  // Beyond their number for as long as somebody is still to die, since there must be work then.
  for (let n = 0; (n < count || pending > 0) && !failure; ++n) {
    const { file, frames } = await short(media, n);
    const whole = begin((async () => {
      const { video_id: id } = await stack.upload(file);
      videos.push({ id, file, frames });
      await stack.reach(id);
    })());
    under.add(whole);
    whole.finally(() => under.delete(whole)).catch(() => {});
    for (const kill of kills.filter(({ video }) => video === n)) begin(carryOut(kill));
    if (under.size >= atOnce) await Promise.race(under).catch(() => {});
  }
  await Promise.allSettled(tasks);
  if (failure) throw failure;
  return videos;
}

for (const seed of seeds) {
  test(`${count} videos, everything is killed ${times === 1 ? 'once' : `${times} times`}: seed ${seed}`, async (t) => {
    const kills = schedule(seed);
    t.diagnostic(`VORA_KILL_SEED=${seed}${long ? ' VORA_KILL_MATRIX=long' : ''}`);
    for (const { victim, video, delay, away } of kills) t.diagnostic(`video ${video} + ${delay} ms: ${victim}, away for ${away} ms`);
    const media = await start();
    const { all, pids } = await fleet();
    const began = performance.now();
    const videos = await processAll(media, kills, all, (what) => t.diagnostic(`${Math.round(performance.now() - began)} ms: ${what}`));
    t.diagnostic(`all are READY after ${Math.round((performance.now() - began) / 1000)} s`);
    assert.ok(new Set(videos.map(({ id }) => id)).size >= count);
    const ended = [];
    let attempts = 0;
    for (const { id, file, frames } of videos) {
      const { upload_id: upload } = await stack.video(id);
      const { video, activities } = await assertNothingLostOrDoneTwice(stack, id, file, { frames, storedSha256: await s3.sha256(`raw/${upload}/original`) });
      ended.push(video);
      for (const { ends } of activities) attempts += ends[0].attempt - 1;
    }
    await assertNothingIsLeftOver(stack, ended, { s3, workers: await pids() });
    t.diagnostic(`${attempts} attempts failed on the way`);
  });
}
