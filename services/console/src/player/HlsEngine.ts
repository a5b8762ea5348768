// hls.js over Media Source Extensions: picks up renditions that appear while a video is processed, and goes on after breaks.
import type Hls from 'hls.js';
import type { ErrorData, HlsConfig, Level } from 'hls.js';

import type { Engine, EngineOptions, Offer, Quality } from './engine';
import type { Cause } from './problem';
import { heightLabel, renditionOf } from './rendition';

const labelOf = (level: Level) => heightLabel(level.width, level.height);

// Seconds ahead: a segment until somebody wants to play, then plenty.
const kBuffer = { before: { maxBufferLength: 4, maxMaxBufferLength: 4, maxBufferSize: 0 }, after: { maxBufferLength: 30, maxMaxBufferLength: 60, maxBufferSize: 60_000_000 } };
const kMediaRecoveries = 3;
const kSettleMs = 1500;      // manifests are up to a second old at the edge

export class HlsEngine implements Engine {
  readonly native = false;
  private hls: Hls | null = null;
  private wanted: string;
  private caption = -1;
  private sound = '';        // its label; '': the one that is heard unasked
  private begun = false;
  private known: Offer | null = null;
  private mediaErrors: number[] = [];
  private networkErrors = 0;
  private renewed = false;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private reloadTimer: ReturnType<typeof setTimeout> | null = null;
  private sessionId: string;
  private readonly online = () => this.networkErrors > 0 && this.retry();

  constructor(
    private readonly Hls: typeof import('hls.js').default,
    private readonly media: HTMLVideoElement,
    private readonly options: EngineOptions,
  ) {
    this.wanted = options.quality;
    this.sessionId = options.sessionId;
    addEventListener('online', this.online);
    this.load(options.startAt, false);
  }

  private load(position: number, playing: boolean): void {
    this.hls?.destroy();
    // A growing playlist is an event that begins at its beginning, not a live stream.
    const policy = this.Hls.DefaultConfig.fragLoadPolicy.default;
    const config: Partial<HlsConfig> = {
      // Few retries within: beyond them the viewer is told, and it goes on at once when the line is back.
      fragLoadPolicy: { default: { ...policy, errorRetry: { ...policy.errorRetry!, maxNumRetry: 2 } } },
      startPosition: position,
      liveSyncDurationCount: 1,
      liveDurationInfinity: false,
      ...(this.begun ? kBuffer.after : kBuffer.before),
      enableCEA708Captions: false,
      // Shown by the player itself, above its control bar.
      renderTextTracksNatively: true,
      xhrSetup: (xhr, url) => {
        const signed = this.options.sign(url);
        if (signed !== url) xhr.open('GET', signed, true);
      },
      cmcd: { sessionId: this.sessionId, contentId: this.options.videoId, useHeaders: false },
    };
    const hls = new this.Hls(config);
    this.hls = hls;
    const { Events } = this.Hls;
    hls.on(Events.MANIFEST_PARSED, () => {
      this.apply();
      this.tellQualities();
      if (playing) void this.media.play().catch(() => {});
    });
    hls.on(Events.LEVEL_SWITCHED, (_event, data) => {
      const level = hls.levels[data.level];
      if (level) this.options.listener.switched({ rendition: renditionOf(level.url[0] ?? ''), bitrate: level.bitrate });
      this.tellQualities();
    });
    hls.on(Events.SUBTITLE_TRACKS_UPDATED, () => this.tellCaptions());
    hls.on(Events.AUDIO_TRACKS_UPDATED, () => this.applySound());
    hls.on(Events.AUDIO_TRACK_SWITCHED, () => this.tellSounds());
    hls.on(Events.FRAG_LOADED, (_event, { frag }) => {
      this.healthy();
      this.renewed = false;
      if (typeof frag.sn !== 'number') return;
      const { loading, loaded } = frag.stats;
      const level = frag.type === 'main' ? hls.levels[frag.level] : undefined;
      this.options.listener.fetched({
        rendition: renditionOf(frag.url),
        bitrate: level?.bitrate ?? 0,
        index: frag.sn,
        seconds: Math.max(0, loading.end - loading.start) / 1000,
        bytes: loaded,
        throughput: hls.bandwidthEstimate,
      });
    });
    hls.on(Events.ERROR, (_event, data) => data.fatal && this.recover(data));
    hls.loadSource(this.options.sign(this.options.url));
    hls.attachMedia(this.media);
  }

  private healthy(): void {
    if (this.networkErrors === 0) return;
    this.networkErrors = 0;
    this.options.listener.failed(null, 0, 0);
  }

  private recover(data: ErrorData): void {
    const { listener } = this.options;
    const cause: Cause = {
      kind: data.type === this.Hls.ErrorTypes.NETWORK_ERROR ? 'network' : data.type === this.Hls.ErrorTypes.MEDIA_ERROR ? 'media' : 'other',
      status: data.response?.code ?? 0,
      code: data.details,
    };
    // After a sleep the token may have ended before it was renewed.
    if (cause.kind === 'network' && cause.status === 401 && !this.renewed) {
      this.renewed = true;
      void this.options.renew().then(() => this.hls && this.again(data.details.startsWith('manifest')));
      return;
    }
    if (cause.kind === 'network' && cause.status !== 401 && cause.status !== 403) {
      this.networkErrors += 1;
      const wait = Math.min(1000 * 2 ** (this.networkErrors - 1), 15_000);
      listener.failed(cause, this.networkErrors, wait);
      // Encoded anew since the presentation was loaded, and what it named is deleted: the master names what there is now.
      const gone = cause.status === 404 || cause.status === 410;
      this.after(wait, gone || data.details.startsWith('manifest'));
      return;
    }
    const now = performance.now();
    this.mediaErrors = this.mediaErrors.filter((at) => now - at < 30_000);
    this.mediaErrors.push(now);
    if (cause.kind === 'media' && this.mediaErrors.length <= kMediaRecoveries) {
      this.hls?.recoverMediaError();
      return;
    }
    listener.failed(cause, 1, 0);
    this.hls?.destroy();
    this.hls = null;
  }

  private after(ms: number, manifest: boolean): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(manifest), ms);
  }

  private again(manifest: boolean): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (!this.hls || manifest || this.hls.levels.length === 0) this.load(this.position(), !this.media.paused);
    else this.hls.startLoad();
  }

  private position(): number {
    return this.media.currentTime > 0 ? this.media.currentTime : this.options.startAt;
  }

  retry(): void {
    this.mediaErrors = [];
    this.again(false);
  }

  begin(): void {
    this.begun = true;
    if (this.hls) Object.assign(this.hls.config, kBuffer.after);
  }

  restart(sessionId: string, at: number): void {
    this.sessionId = sessionId;
    this.load(at, true);
  }

  offer(offer: Offer): void {
    const before = this.known ?? offer;
    const grown = offer.renditions > before.renditions || offer.captions > before.captions || offer.sounds > before.sounds || (offer.final && !before.final);
    this.known = { renditions: Math.max(offer.renditions, before.renditions), captions: Math.max(offer.captions, before.captions), sounds: Math.max(offer.sounds, before.sounds), final: offer.final };
    if (grown) this.lookAgain(3);
  }

  // Loads the master playlist anew where play stands, once it can hold more than the loaded one.
  private lookAgain(tries: number): void {
    if (this.reloadTimer !== null) clearTimeout(this.reloadTimer);
    this.reloadTimer = setTimeout(() => {
      this.reloadTimer = null;
      const { hls, known } = this;
      if (!hls || !known || hls.levels.length === 0) return;
      const counted = known.renditions > 0;   // viewers without a token are not told how many there are
      if (counted && hls.levels.length >= known.renditions && hls.subtitleTracks.length >= known.captions && hls.audioTracks.length >= known.sounds) return;
      this.options.listener.swapping();
      this.load(this.media.currentTime, !this.media.paused);
      if (tries > 1 && counted) this.lookAgain(tries - 1);
    }, kSettleMs);
  }

  choose(quality: string): void {
    this.wanted = quality;
    this.apply();
    this.tellQualities();
  }

  private apply(): void {
    const { hls } = this;
    if (!hls) return;
    const index = hls.levels.findIndex((level) => labelOf(level) === this.wanted);
    if (index !== -1 || !hls.autoLevelEnabled) hls.nextLevel = index; // -1: automatic
  }

  showCaption(id: number): void {
    this.caption = id;
    if (!this.hls) return;
    this.hls.subtitleDisplay = false;
    this.hls.subtitleTrack = id;
    this.tellCaptions();
  }

  hear(id: number): void {
    this.sound = this.hls?.audioTracks[id]?.name ?? '';
    this.applySound();
  }

  // After a reload too, where the numbers may be others.
  private applySound(): void {
    const { hls } = this;
    if (!hls) return;
    const index = hls.audioTracks.findIndex(({ name }) => name === this.sound);
    if (index !== -1 && index !== hls.audioTrack) hls.audioTrack = index;
    this.tellSounds();
  }

  private tellSounds(): void {
    const { hls } = this;
    if (!hls) return;
    const list = hls.audioTracks.map((track, id) => ({ id, label: track.name || track.lang || `Sound ${id + 1}`, language: track.lang ?? '', unasked: track.autoselect }));
    this.options.listener.sounds(list, hls.audioTrack);
  }

  private tellQualities(): void {
    const { hls } = this;
    if (!hls) return;
    const list: Quality[] = [];
    for (const level of [...hls.levels].sort((a, b) => b.height - a.height || b.bitrate - a.bitrate)) {
      const label = labelOf(level);
      if (!list.some(({ id }) => id === label)) list.push({ id: label, label, bitrate: level.bitrate });
    }
    const current = hls.levels[hls.currentLevel];
    const chosen = list.some(({ id }) => id === this.wanted) ? this.wanted : 'auto';
    this.options.listener.qualities(list, chosen, current ? labelOf(current) : '');
  }

  private tellCaptions(): void {
    const { hls } = this;
    if (!hls) return;
    const list = hls.subtitleTracks.map((track, id) => ({ id, label: track.name || track.lang || `Track ${id + 1}`, language: track.lang ?? '' }));
    if (hls.subtitleTrack !== this.caption) {
      hls.subtitleDisplay = false;
      hls.subtitleTrack = this.caption < list.length ? this.caption : -1;
    }
    this.options.listener.captions(list, this.caption);
  }

  destroy(): void {
    removeEventListener('online', this.online);
    if (this.timer !== null) clearTimeout(this.timer);
    if (this.reloadTimer !== null) clearTimeout(this.reloadTimer);
    this.hls?.destroy();
    this.hls = null;
  }
}
