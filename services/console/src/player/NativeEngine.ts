// HLS by the browser itself, where there is no Media Source Extensions (older iPhones).
import type { Engine, EngineOptions } from './engine';
import type { Cause } from './problem';
import { heightLabel } from './rendition';

export class NativeEngine implements Engine {
  readonly native = true;
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private readonly abort = new AbortController();

  constructor(
    private readonly media: HTMLVideoElement,
    private readonly options: EngineOptions,
  ) {
    const { signal } = this.abort;
    if (!media.canPlayType('application/vnd.apple.mpegurl')) {
      options.listener.failed({ kind: 'unsupported', status: 0, code: 'unsupported' }, 1, 0);
      return;
    }
    media.addEventListener('error', () => this.recover(), { signal });
    media.addEventListener('resize', () => this.tellSize(), { signal });
    media.addEventListener('playing', () => this.healthy(), { signal });
    media.textTracks.addEventListener('addtrack', () => this.tellCaptions(), { signal });
    this.load(options.startAt);
  }

  private load(at: number): void {
    this.media.src = this.options.sign(this.options.url);
    this.media.addEventListener('loadedmetadata', () => (this.media.currentTime = at), { once: true, signal: this.abort.signal });
  }

  private healthy(): void {
    if (this.attempt > 0) this.options.listener.failed(null, 0, 0);
    this.attempt = 0;
  }

  private recover(): void {
    const code = this.media.error?.code ?? 0;
    const cause: Cause = { kind: code === MediaError.MEDIA_ERR_DECODE ? 'media' : 'network', status: 0, code: `media_error_${code}` };
    this.attempt += 1;
    const wait = Math.min(1000 * 2 ** (this.attempt - 1), 15_000);
    this.options.listener.failed(cause, this.attempt, cause.kind === 'network' ? wait : 0);
    if (cause.kind === 'network') this.timer = setTimeout(() => this.retry(), wait);
  }

  private tellSize(): void {
    const { videoWidth, videoHeight } = this.media;
    if (videoHeight > 0) this.options.listener.switched({ rendition: heightLabel(videoWidth, videoHeight), bitrate: 0 });
  }

  private tellCaptions(chosen = -1): void {
    const list = Array.from(this.media.textTracks, (track, id) => ({ id, label: track.label || track.language, language: track.language }));
    this.options.listener.captions(list, chosen);
  }

  retry(): void {
    const playing = !this.media.paused;
    this.load(this.media.currentTime);
    if (playing) void this.media.play().catch(() => {});
  }

  restart(_sessionId: string, at: number): void {
    this.media.currentTime = at;
    void this.media.play().catch(() => {});
  }

  showCaption(id: number): void {
    Array.from(this.media.textTracks).forEach((track, index) => (track.mode = index === id ? 'hidden' : 'disabled'));
    this.tellCaptions(id);
  }

  // Browsers without Media Source Extensions have their own menu for it.
  hear(): void {}

  // The browser chooses by itself, and reads growing playlists by itself.
  choose(): void {}
  offer(): void {}
  begin(): void {}

  destroy(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.abort.abort();
    this.media.removeAttribute('src');
    this.media.load();
  }
}
