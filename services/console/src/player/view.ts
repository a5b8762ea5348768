// One view: joins the media element, the engine and the reporter. Its session id is also CMCD's.
import { bufferAhead } from './media';
import type { FetchedSegment, Playing } from './engine';
import { Reporter } from './reporter';
import { PlaybackTracker } from './tracker';

export class View {
  private readonly reporter: Reporter;
  private readonly tracker: PlaybackTracker;
  private readonly abort = new AbortController();
  private now: Playing = { rendition: '', bitrate: 0 };
  over = false;

  constructor(
    videoId: string,
    private readonly media: HTMLVideoElement,
  ) {
    this.reporter = new Reporter(videoId);
    this.tracker = new PlaybackTracker({
      now: () => performance.now(),
      emit: (type, fields) => this.reporter.record(type, { ...this.now, buffer_seconds: bufferAhead(media), ...fields }),
    });
    this.listen();
  }

  get sessionId(): string {
    return this.reporter.sessionId;
  }

  private listen(): void {
    const { media, tracker } = this;
    const on = (name: string, handler: () => void) => media.addEventListener(name, handler, { signal: this.abort.signal });
    on('play', () => this.wanted());
    on('playing', () => tracker.resumed(media.currentTime));
    on('timeupdate', () => tracker.advanced(media.currentTime));
    on('pause', () => !media.ended && tracker.paused(media.currentTime));
    on('seeking', () => tracker.seekBegan(media.currentTime));
    on('seeked', () => tracker.seekEnded(media.currentTime));
    on('waiting', () => tracker.waiting(media.currentTime));
    on('ratechange', () => tracker.rateChanged(media.playbackRate));
    on('ended', () => this.end());
    // The last chance on a phone: what was watched goes out, the view may go on.
    document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && this.look(), { signal: this.abort.signal, capture: true });
    addEventListener('pagehide', () => this.end(), { signal: this.abort.signal });
  }

  // Right before a jump that this player makes: up to here it was watched.
  look(): void {
    this.tracker.advanced(this.media.currentTime);
    this.tracker.flushWatched();
  }

  wanted(): void {
    this.tracker.wanted();
    this.reporter.begin();
  }

  switched(now: Playing): void {
    this.tracker.advanced(this.media.currentTime);
    this.tracker.flushWatched();
    this.now = now;
    this.reporter.record('bitrate_selected', { ...now, position_seconds: this.media.currentTime, buffer_seconds: bufferAhead(this.media) });
  }

  fetched(segment: FetchedSegment): void {
    this.reporter.record('segment_fetched', {
      position_seconds: this.media.currentTime,
      duration_seconds: segment.seconds,
      rendition: segment.rendition,
      bitrate: segment.bitrate,
      segment_index: segment.index,
      bytes: segment.bytes,
      throughput: segment.throughput,
      buffer_seconds: bufferAhead(this.media),
    });
  }

  failed(code: string): void {
    this.reporter.begin();
    this.tracker.failed(code, this.media.currentTime);
  }

  swapping(): void {
    this.tracker.swapBegan(this.media.currentTime);
    if (this.media.paused) this.media.addEventListener('loadeddata', () => this.tracker.swapEnded(), { once: true, signal: this.abort.signal });
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    this.tracker.ended(this.media.currentTime);
    this.abort.abort();
    this.reporter.close();
  }
}
