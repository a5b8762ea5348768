// Sends a view's events to /e. The queue is pure (told the time, asked for batches); the Reporter beside it does the sending.
// Never in the way of playback: bounded, asynchronous, silent when the server is away.

import { clean, type EventFields, type EventType, type PlaybackEvent } from './events';

export const kMaxQueued = 1000;
export const kBatch = 20;
const kMaxBatch = 200;
const kBeaconBytes = 60 * 1024;
const kFlushMs = 2000;
const kFirstFlushMs = 300; // a view is known at once
const kFirstRetryMs = 1000;
const kLongestRetryMs = 30_000;
const kLongestAdviceMs = 10 * 60_000;

// Events in order of their sequence numbers. What is taken stays until it is settled, so that a retry is the same events again.
export class EventQueue {
  private events: PlaybackEvent[] = [];
  private taken = 0;
  private next = 0;
  dropped = 0;

  constructor(
    private readonly ids: { video_id: string; session_id: string; viewer_id?: string },
    private readonly limit = kMaxQueued,
  ) {}

  get length(): number {
    return this.events.length;
  }

  get waiting(): number {
    return this.events.length - this.taken;
  }

  // The oldest go when the queue is full: the gap in the sequence numbers then tells how many.
  push(type: EventType, fields: EventFields, time: Date): void {
    const { viewer_id, ...ids } = this.ids;
    this.events.push({ ...ids, sequence: this.next++, type, player_time: time.toISOString(), ...clean(fields), ...(viewer_id ? { viewer_id } : {}) });
    if (this.events.length > this.limit) {
      this.events.shift();
      if (this.taken > 0) this.taken -= 1;
      this.dropped += 1;
    }
  }

  take(count = kMaxBatch): PlaybackEvent[] {
    this.taken = Math.min(this.events.length, count);
    return this.events.slice(0, this.taken);
  }

  // The taken ones were received, or will never be.
  settle(): void {
    this.events.splice(0, this.taken);
    this.taken = 0;
  }

  // The taken ones go again.
  restore(): void {
    this.taken = 0;
  }

  // Everything unsent in JSON texts of at most `bytes` each; `send` says whether it took one.
  beacon(send: (text: string) => boolean, withTaken: boolean, bytes = kBeaconBytes): void {
    const begin = withTaken ? 0 : this.taken;
    let done = begin;
    while (done < this.events.length) {
      let text = '';
      let end = done;
      for (; end < this.events.length; end += 1) {
        const event = JSON.stringify(this.events[end]);
        if (text !== '' && text.length + event.length + 2 > bytes) break;
        text += (text === '' ? '' : ',') + event;
      }
      if (!send(`[${text}]`)) break;
      done = end;
    }
    this.events.splice(begin, done - begin);
    if (withTaken) this.taken = Math.max(0, this.taken - (done - begin));
  }
}

export type Verdict = 'taken' | 'again' | 'smaller' | 'never';

export function judge(status: number): Verdict {
  if (status >= 200 && status < 300) return 'taken';
  if (status === 413) return 'smaller';
  if (status === 408 || status === 425 || status === 429 || status >= 500 || status === 0) return 'again';
  return 'never';
}

// Retry-After is seconds or a date (RFC 9110, 10.2.3), at least a second, and up to a quarter more by chance: those who were refused together
// must not come back together. Else doubling from a second, with a quarter of chance in it.
export function retryDelay(failures: number, retryAfter: string | null, now: number, random: number): number {
  const seconds = retryAfter === null || retryAfter.trim() === '' ? NaN : Number(retryAfter);
  const date = retryAfter ? Date.parse(retryAfter) : NaN;
  const advised = Number.isFinite(seconds) ? seconds * 1000 : date - now;
  if (Number.isFinite(advised)) return Math.min(Math.max(kFirstRetryMs, advised), kLongestAdviceMs) * (1 + random / 4);
  return Math.min(kFirstRetryMs * 2 ** Math.min(failures - 1, 10), kLongestRetryMs) * (0.75 + random / 2);
}

// Across sessions, unless the viewer asked not to be followed or storage is closed.
export function viewerId(): string | undefined {
  const browser = navigator as Navigator & { globalPrivacyControl?: boolean };
  if (browser.doNotTrack === '1' || browser.globalPrivacyControl) return undefined;
  try {
    const known = localStorage.getItem('vora.viewer');
    if (known) return known;
    const made = newId();
    localStorage.setItem('vora.viewer', made);
    return made;
  } catch {
    return undefined;
  }
}

// crypto.randomUUID is there only over https and on localhost.
export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Reporter {
  readonly sessionId = newId();
  private readonly queue: EventQueue;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private inFlight = false;
  private failures = 0;
  private notBefore = 0;
  private batch = kMaxBatch;
  private begun = false;
  private sent = false;
  private readonly onHidden = () => document.visibilityState === 'hidden' && this.beacon(false);

  constructor(
    videoId: string,
    private readonly url = '/e',
  ) {
    this.queue = new EventQueue({ video_id: videoId, session_id: this.sessionId, viewer_id: viewerId() });
    document.addEventListener('visibilitychange', this.onHidden);
  }

  record(type: EventType, fields: EventFields): void {
    this.queue.push(type, fields, new Date());
    this.schedule();
  }

  // Nothing is sent before: who never plays is no viewer.
  begin(): void {
    this.begun = true;
    this.schedule();
  }

  // What is unsent goes by beacon, also what is under way when the page ends: the server removes duplicates.
  beacon(pageEnds: boolean): void {
    if (!this.begun || typeof navigator.sendBeacon !== 'function') return;
    try {
      this.queue.beacon((text) => navigator.sendBeacon(this.url, text), pageEnds);
    } catch {
      // Refused by the browser: the usual way goes on.
    }
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.onHidden);
    // Whatever is under way may be cut off with the page.
    this.beacon(true);
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.schedule();
  }

  private schedule(): void {
    if (!this.begun || this.inFlight || this.queue.waiting === 0) return;
    const now = performance.now();
    if (this.queue.waiting >= kBatch && now >= this.notBefore) {
      if (this.timer !== null) clearTimeout(this.timer);
      this.timer = null;
      void this.send();
    } else if (this.timer === null) {
      this.timer = setTimeout(() => {
        this.timer = null;
        void this.send();
      }, Math.max(this.sent ? kFlushMs : kFirstFlushMs, this.notBefore - now));
    }
  }

  private async send(): Promise<void> {
    if (this.inFlight || this.queue.length === 0) return;
    const events = this.queue.take(this.batch);
    this.sent = true;
    this.inFlight = true;
    let status = 0;
    let retryAfter: string | null = null;
    try {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(events),
        credentials: 'omit',
        priority: 'low',
      });
      status = response.status;
      retryAfter = response.headers.get('Retry-After');
      void response.body?.cancel();
    } catch {
      status = 0;
    }
    this.inFlight = false;
    this.settle(judge(status), retryAfter);
    this.schedule();
  }

  private settle(verdict: Verdict, retryAfter: string | null): void {
    if (verdict === 'again' || (verdict === 'smaller' && this.batch > 1)) {
      this.queue.restore();
      this.failures += 1;
      if (verdict === 'smaller') this.batch = Math.max(1, this.batch >> 1);
      const delay = verdict === 'smaller' ? 0 : retryDelay(this.failures, retryAfter, Date.now(), Math.random());
      this.notBefore = performance.now() + delay;
      return;
    }
    this.failures = 0;
    this.notBefore = 0;
    this.queue.settle();
  }
}
