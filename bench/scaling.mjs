// A day of changing load on the fleet of transcode workers, scaled by the policy that deploy/kubernetes ships, and on a fleet of fixed size with
// as many worker-hours. A simulation: minutes of computing instead of days of machines; the same seed gives the same day.
//
//   node bench/scaling.mjs [--json] [--target SECONDS] [--start SECONDS] [--seed N] [--import VIDEOS] [--timeline]
//
// The policy is read from scaling/keda/scaled-object.yaml; how fast a worker is comes from docs/benchmarks.md (`transcode.ready_to_ffmpeg`).

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Fleet, Scaler, dayOfVideos, percentile, random } from './scaling-model.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

// Just what is needed of one file of ours; whatever is not found is said.
function shippedPolicy() {
  const file = path.join(root, 'deploy/kubernetes/scaling/keda/scaled-object.yaml');
  const text = readFileSync(file, 'utf8');
  const number = (pattern) => {
    const found = pattern.exec(text);
    if (!found) throw new Error(`${file}: nothing like ${pattern}`);
    return Number(found[1]);
  };
  const section = (name) => new RegExp(`${name}:[\\s\\S]*?stabilizationWindowSeconds: (\\d+)[\\s\\S]*?Percent, value: (\\d+), periodSeconds: (\\d+)[\\s\\S]*?Pods, value: (\\d+)`).exec(text).slice(1).map(Number);
  const [upWindow, upPercent, upPeriod, upPods] = section('scaleUp');
  const [downWindow, downPercent, downPeriod, downPods] = section('scaleDown');
  return {
    target: number(/targetEncodeSeconds: "([\d.]+)"/),
    min: number(/minReplicaCount: (\d+)/),
    max: number(/maxReplicaCount: (\d+)/),
    up: { window: upWindow, percent: upPercent, pods: upPods, period: upPeriod },
    down: { window: downWindow, percent: downPercent, pods: downPods, period: downPeriod },
  };
}

const argument = (name, fallback) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};

const policy = { ...shippedPolicy() };
policy.target = argument('--target', policy.target);
const start = argument('--start', 30);
const seed = argument('--seed', 1);
const imported = argument('--import', 100);
const DAY = 86_400;

function run(scaler, { startSeconds, initial, timeline }) {
  const fleet = new Fleet({ random: random(seed + 1), startSeconds, initial });
  const videos = dayOfVideos(random(seed), imported);
  let next = 0, workerSeconds = 0, peak = 0;
  const sizes = [];
  for (let now = 0; now < DAY || fleet.busy(); ++now) {
    while (next < videos.length && videos[next].arrives <= now) fleet.submit(videos[next++], now);
    if (now % 15 === 0) fleet.resize(scaler.wanted(now, fleet.size(), fleet.encodeSecondsLeft()), now);
    fleet.step(now);
    if (now < DAY) workerSeconds += fleet.size();
    peak = Math.max(peak, fleet.size());
    if (now < DAY && now % 1800 === 0) sizes.push({ now, size: fleet.size(), waiting: fleet.encodeSecondsLeft() });
  }
  const waits = videos.map((v) => v.ready - v.arrives).sort((a, b) => a - b);
  const firsts = videos.map((v) => v.playable - v.arrives).sort((a, b) => a - b);
  if (timeline) for (const { now, size, waiting } of sizes) console.error(`${String(Math.floor(now / 3600)).padStart(2, '0')}:${now % 3600 ? '30' : '00'} ${String(size).padStart(3)} workers ${'#'.repeat(size)} ${Math.round(waiting)} encode-seconds`);
  return {
    videos: videos.length,
    mediaHours: videos.reduce((sum, v) => sum + v.seconds, 0) / 3600,
    workerHours: workerSeconds / 3600,
    peak,
    ready: { p50: percentile(waits, 0.5), p95: percentile(waits, 0.95), max: waits.at(-1) },
    playable: { p50: percentile(firsts, 0.5), p95: percentile(firsts, 0.95), max: firsts.at(-1) },
    repeated: fleet.repeatedSeconds / 3600,
  };
}

const fixed = (size) => run({ wanted: () => size }, { startSeconds: start, initial: size });
const scaled = run(new Scaler(policy), { startSeconds: start, initial: policy.min, timeline: process.argv.includes('--timeline') });
const same = Math.ceil(scaled.workerHours / 24);
const fixedSame = fixed(same);
// The smallest fixed fleet whose p95 is no worse.
let low = same, high = policy.max * 4;
while (low < high) {
  const middle = Math.floor((low + high) / 2);
  if (fixed(middle).ready.p95 <= scaled.ready.p95) high = middle;
  else low = middle + 1;
}
const fixedEqual = fixed(low);

const result = { policy, start, seed, imported, scaled, fixedSame: { size: same, ...fixedSame }, fixedEqual: { size: low, ...fixedEqual } };
if (process.argv.includes('--json')) {
  console.log(JSON.stringify(result));
} else {
  const minutes = (seconds) => (seconds / 60).toFixed(1).padStart(7);
  console.log(`${scaled.videos} videos, ${scaled.mediaHours.toFixed(1)} h of media; target ${policy.target} encode-seconds per worker, ${policy.min} to ${policy.max} workers, a pod is there after ${start} s`);
  console.log('fleet                      worker-hours  most   READY p50     p95     max   playable p50     p95     max  (minutes)');
  const line = (name, r) => console.log(`${name.padEnd(26)} ${r.workerHours.toFixed(1).padStart(12)} ${String(r.peak).padStart(5)}     ${minutes(r.ready.p50)} ${minutes(r.ready.p95)} ${minutes(r.ready.max)}        ${minutes(r.playable.p50)} ${minutes(r.playable.p95)} ${minutes(r.playable.max)}`);
  line('scaled', scaled);
  line(`fixed, ${same} workers`, fixedSame);
  line(`fixed, ${low} workers`, fixedEqual);
  console.log(`work done twice because a worker left: ${(scaled.repeated * 60).toFixed(1)} minutes of media`);
}
