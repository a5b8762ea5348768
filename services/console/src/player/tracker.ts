// Turns what happens at the video element into playback events: startup time, watched seconds, stalls. Pure: told everything,
// asks only the clock (milliseconds, never going back).
//
// Watched time is media time that passed while playing; what is jumped over does not count. A stall is a stop that nobody asked for:
// neither the start, nor a seek, nor a pause.

import type { EventFields, EventType } from './events';

const kReportSeconds = 5;      // of watching per watch_time event
const kShortestStall = 0.1;    // seconds; below that nobody notices
const kShortestSeek = 0.5;     // players nudge over gaps in smaller steps
const kLargestStep = 2;        // seconds between two looks at the clock beyond which a jump is suspected

export interface TrackerSink {
  emit(type: EventType, fields: EventFields): void;
  now(): number;
}

export class PlaybackTracker {
  private wantedAt: number | null = null; // when somebody asked to play
  private started = false;                // the first frame was shown
  private playing = false;
  private seeking = false;
  private landed = false;                 // the seek has reached its target, and may go on from there
  private swapping = false;               // the source is being replaced by us
  private stallAt: number | null = null;
  private stallPosition = 0;
  private position = 0;
  private lookedAt = 0;
  private watched = 0;
  private rate = 1;
  private over = false;

  constructor(private readonly sink: TrackerSink) {}

  get hasStarted(): boolean {
    return this.started;
  }

  // A click on play, or autoplay.
  wanted(): void {
    if (!this.started && this.wantedAt === null) this.wantedAt = this.sink.now();
  }

  // The element plays on: after the start, a pause, a seek or a stall.
  resumed(position: number): void {
    if (this.over) return;
    const now = this.sink.now();
    this.endStall(now);
    this.swapping = false;
    this.seeking = false;
    if (!this.started) {
      this.started = true;
      this.playing = true;
      this.sink.emit('play', { position_seconds: position, duration_seconds: (now - (this.wantedAt ?? now)) / 1000 });
    } else if (!this.playing) {
      this.playing = true;
      this.sink.emit('play', { position_seconds: position });
    }
    this.position = position;
    this.lookedAt = now;
  }

  // Call often while playing (timeupdate) and right before any change.
  advanced(position: number): void {
    const now = this.sink.now();
    const step = position - this.position;
    const elapsed = Math.max(0, now - this.lookedAt) / 1000;
    if (this.seeking && this.landed && this.playing && step > 0) this.seeking = false;
    const moves = this.playing && !this.seeking && !this.swapping;
    if (moves && step > 0) {
      // Time cannot have gone further than the clock allows; a little more is the timer's coarseness.
      if (step <= elapsed * this.rate + kLargestStep) this.watched += step;
      this.endStall(now);
      this.position = position;
      this.lookedAt = now;
      if (this.watched >= kReportSeconds) this.flushWatched();
    } else if (!this.seeking && !this.swapping && !this.playing) {
      this.position = position;
      this.lookedAt = now;
    }
  }

  rateChanged(rate: number): void {
    this.rate = rate > 0 ? rate : 1;
  }

  paused(position: number): void {
    if (!this.playing || this.swapping || this.over) return;
    this.advanced(position);
    this.endStall(this.sink.now());
    this.flushWatched();
    this.playing = false;
    this.sink.emit('pause', { position_seconds: position });
  }

  // The element has left its position; where it stood is what `advanced` heard last.
  seekBegan(to: number): void {
    if (!this.started || this.swapping || this.over) return;
    if (!this.seeking && Math.abs(to - this.position) < kShortestSeek) return;
    if (!this.seeking) {
      this.endStall(this.sink.now());
      this.flushWatched();
    }
    this.seeking = true;
    this.landed = false;
  }

  seekEnded(position: number): void {
    if (!this.seeking) return;
    this.sink.emit('seek', { position_seconds: position });
    this.position = position;
    this.lookedAt = this.sink.now();
    // While it plays, `seeking` lasts until it really moves: what is waited for is the seek, not a stall.
    this.landed = true;
    if (!this.playing) this.seeking = false;
  }

  waiting(position: number): void {
    if (!this.playing || this.seeking || this.swapping || this.stallAt !== null || this.over) return;
    this.advanced(position);
    this.stallAt = this.sink.now();
    this.stallPosition = position;
  }

  // The source is about to be loaded anew where play stands; ends with `resumed`. What the viewer waits for it is a stall.
  swapBegan(position: number): void {
    if (!this.started) return;
    if (this.playing) this.waiting(position);
    this.swapping = true;
  }

  // A swap that does not play on (it was paused).
  swapEnded(): void {
    this.swapping = false;
  }

  failed(code: string, position: number): void {
    this.sink.emit('error', { position_seconds: position, error_code: code });
  }

  // The view is over: the end was reached, or the viewer leaves.
  ended(position: number): void {
    if (!this.started || this.over) return;
    if (!this.seeking) this.advanced(position);
    this.endStall(this.sink.now());
    this.flushWatched();
    this.playing = false;
    this.over = true;
    this.sink.emit('ended', { position_seconds: position });
  }

  flushWatched(): void {
    if (this.watched < 0.05) return;
    const seconds = this.watched;
    this.watched = 0;
    this.sink.emit('watch_time', { position_seconds: this.position, duration_seconds: seconds });
  }

  private endStall(now: number): void {
    if (this.stallAt === null) return;
    const seconds = (now - this.stallAt) / 1000;
    this.stallAt = null;
    if (seconds < kShortestStall) return;
    this.flushWatched();
    this.sink.emit('stall', { position_seconds: this.stallPosition, duration_seconds: seconds });
  }
}
