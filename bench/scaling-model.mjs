// What bench/scaling.mjs simulates: videos of a day, workers, and the autoscaler. Pure; times in seconds.

// Encode-seconds per second of media as the workflow estimates them for the default ladder at 30 pictures a second: half a second for 1080p,
// by pixels for 720p and 360p, and the audio.
export const ESTIMATE_PER_SECOND = 0.5 * (1 + (1280 * 720 + 640 * 360) / (1920 * 1080)) + 0.02;
// Seconds of media that a worker of two cores brings through the whole ladder per second: measured, 60 s in 88.4 s (docs/benchmarks.md; the
// source had grain and 105 Mbit/s, so most are faster).
export const MEDIA_PER_SECOND = 60 / 88.4;
// A chunk that has the worker to itself does not fill it: each encoder has one thread, and 1080p is 64% of the pixels of two cores' work.
const ALONE = 1 / (2 * 0.64);
const SLOTS = 2;             // VORA_WORKER_SLOTS
const SEGMENT = 4, FIRST = 1, CHUNK = 3;   // libs/ladder: seconds; segments in the first chunk, and in every further one
const PROBE = 1, PUBLISH = 1;   // before the first chunk, after the last one

// mulberry32
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const percentile = (sorted, p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))];

// Videos an hour: quiet nights, busy days, an evening peak.
function rate(hour) {
  const day = Math.max(0, Math.sin(((hour - 6) / 16) * Math.PI));
  const evening = Math.exp(-(((hour - 20) / 1.5) ** 2));
  return 4 + 26 * day + 25 * evening;
}

// About 380 videos of four minutes at the median (10 s to 2 h), and an import of `imported` within ten minutes at 14:00.
export function dayOfVideos(next, imported) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const video = (arrives) => ({ arrives, seconds: Math.min(7200, Math.max(10, Math.round(240 * Math.exp(1.1 * normal())))) });
  const videos = [];
  for (let now = 0; now < 86_400; ++now) if (next() < rate(now / 3600) / 3600) videos.push(video(now));
  for (let i = 0; i < imported; ++i) videos.push(video(14 * 3600 + Math.floor(next() * 600)));
  return videos.sort((a, b) => a.arrives - b.arrives);
}

// Kubernetes' HorizontalPodAutoscaler, asked every 15 s, over the metric that the orchestrator serves.
export class Scaler {
  constructor(policy) {
    this.policy = policy;
    this.recommended = [];   // { now, wanted } within the longer window
    this.changes = [];       // { now, by }
  }

  wanted(now, current, encodeSeconds) {
    const { policy } = this;
    // The controller lets a tenth pass.
    const ratio = encodeSeconds / (policy.target * Math.max(current, 1));
    const raw = Math.abs(ratio - 1) <= 0.1 ? current : Math.ceil(encodeSeconds / policy.target);
    const bounded = Math.min(policy.max, Math.max(policy.min, raw));
    this.recommended.push({ now, wanted: bounded });
    this.recommended = this.recommended.filter((r) => now - r.now <= Math.max(policy.up.window, policy.down.window));
    const least = Math.min(...this.recommended.filter((r) => now - r.now <= policy.up.window).map((r) => r.wanted));
    const most = Math.max(...this.recommended.filter((r) => now - r.now <= policy.down.window).map((r) => r.wanted));
    let wanted = current;
    if (least > current) wanted = Math.min(least, this.limit(now, current, policy.up, 1));
    else if (most < current) wanted = Math.max(most, this.limit(now, current, policy.down, -1));
    if (wanted !== current) this.changes.push({ now, by: wanted - current });
    return wanted;
  }

  // As many as both rules together allow within their period; `selectPolicy: Max`.
  limit(now, current, rule, sign) {
    this.changes = this.changes.filter((c) => now - c.now < 600);
    const changed = this.changes.filter((c) => now - c.now < rule.period && Math.sign(c.by) === sign).reduce((sum, c) => sum + c.by, 0);
    const began = current - changed;
    if (sign > 0) return Math.max(Math.ceil(began * (1 + rule.percent / 100)), began + rule.pods);
    return Math.min(Math.ceil(began * (1 - rule.percent / 100)), began - rule.pods);
  }
}

// Workers, and the chunks that wait: early chunks first, across videos.
export class Fleet {
  constructor({ random: next, startSeconds, initial }) {
    this.next = next;
    this.startSeconds = startSeconds;
    this.workers = Array.from({ length: initial }, () => ({ from: 0, chunks: [] }));
    this.waiting = new Map();   // index -> chunks, first come first served
    this.left = 0;              // seconds of media
    this.open = 0;              // videos
    this.probing = [];
    this.repeatedSeconds = 0;
  }

  size() { return this.workers.length; }
  busy() { return this.open > 0; }
  encodeSecondsLeft() { return this.left * ESTIMATE_PER_SECOND; }

  submit(video, now) {
    ++this.open;
    this.probing.push({ video, at: now + PROBE });
  }

  schedule(video) {
    const chunks = [];
    for (let from = 0; from < video.seconds; ) {
      const seconds = Math.min((chunks.length === 0 ? FIRST : CHUNK) * SEGMENT, video.seconds - from);
      chunks.push({ video, index: chunks.length, left: seconds });
      from += seconds;
    }
    video.chunksLeft = chunks.length;
    for (const chunk of chunks) this.queue(chunk);
    this.left += chunks.reduce((sum, chunk) => sum + chunk.left, 0);
  }

  queue(chunk, front = false) {
    if (!this.waiting.has(chunk.index)) this.waiting.set(chunk.index, []);
    this.waiting.get(chunk.index)[front ? 'unshift' : 'push'](chunk);
  }

  take() {
    let first = Infinity;
    for (const [index, chunks] of this.waiting) if (chunks.length && index < first) first = index;
    if (first === Infinity) return undefined;
    const chunks = this.waiting.get(first);
    const chunk = chunks.shift();
    if (!chunks.length) this.waiting.delete(first);
    return chunk;
  }

  // The youngest leave. What they had begun goes on elsewhere after the last segment published: up to one segment is done again.
  resize(wanted, now) {
    while (this.workers.length < wanted) this.workers.push({ from: now + this.startSeconds, chunks: [] });
    while (this.workers.length > wanted) {
      for (const chunk of this.workers.pop().chunks) {
        const again = Math.min(this.next() * SEGMENT, SEGMENT);
        chunk.left += again;
        this.left += again;
        this.repeatedSeconds += again;
        this.queue(chunk, true);
      }
    }
  }

  step(now) {
    for (const { video } of this.probing.filter((p) => p.at <= now)) this.schedule(video);
    this.probing = this.probing.filter((p) => p.at > now);
    for (const worker of this.workers) {
      if (worker.from > now) continue;
      while (worker.chunks.length < SLOTS) {
        const chunk = this.take();
        if (!chunk) break;
        worker.chunks.push(chunk);
      }
      // The cores are shared by what runs; what a chunk leaves of its second goes to the other.
      let media = MEDIA_PER_SECOND * (worker.chunks.length === 1 ? ALONE : 1);
      while (media > 1e-9 && worker.chunks.length) {
        const share = Math.min(media / worker.chunks.length, ...worker.chunks.map((c) => c.left));
        for (const chunk of worker.chunks) chunk.left -= share;
        media -= share * worker.chunks.length;
        this.left -= share * worker.chunks.length;
        for (const chunk of worker.chunks.filter((c) => c.left <= 1e-9)) this.finish(chunk, now);
        worker.chunks = worker.chunks.filter((c) => c.left > 1e-9);
      }
    }
  }

  finish({ video, index }, now) {
    if (index === 0) video.playable = now + 1;
    if (--video.chunksLeft > 0) return;
    video.ready = now + 1 + PUBLISH;
    --this.open;
  }
}
