// Plays an HLS URL in a video element: hls.js where there is Media Source Extensions, else natively. Fills a quality menu.

const labelOf = (level) => `${Math.min(level.width || Infinity, level.height)}p`;

export function attach(video, url, options) {
  return window.Hls?.isSupported() ? new HlsPlayer(video, url, options) : new NativePlayer(video, url, options);
}

class NativePlayer {
  constructor(video, url, { onFatal }) {
    this.video = video;
    this.video.addEventListener('error', () => onFatal(video.error?.message || 'The browser could not play it.'), { once: true });
    if (!video.canPlayType('application/vnd.apple.mpegurl')) {
      setTimeout(() => onFatal('This browser plays no HLS.'), 0);
      return;
    }
    video.src = url;
  }

  update() {}

  destroy() {
    this.video.removeAttribute('src');
    this.video.load();
  }
}

class HlsPlayer {
  constructor(video, url, { select, label, onFatal }) {
    this.video = video;
    this.url = url;
    this.select = select;
    this.label = label;
    this.onFatal = onFatal;
    this.wanted = 'auto';
    this.known = 0;
    select.onchange = () => {
      this.wanted = select.value;
      this.apply();
    };
    this.load(0, false);
  }

  load(position, playing) {
    this.hls?.destroy();
    this.recoveries = 0;
    // A growing playlist is an event that begins at its beginning, not a live stream.
    const hls = new window.Hls({ startPosition: position, liveSyncDurationCount: 1, liveDurationInfinity: false, enableWorker: true });
    this.hls = hls;
    hls.on(window.Hls.Events.MANIFEST_PARSED, () => {
      this.menu();
      if (playing) this.video.play().catch(() => {});
    });
    hls.on(window.Hls.Events.LEVEL_SWITCHED, () => this.menu());
    hls.on(window.Hls.Events.ERROR, (event, data) => data.fatal && this.recover(data));
    hls.loadSource(this.url);
    hls.attachMedia(this.video);
  }

  recover(data) {
    this.recoveries += 1;
    if (this.recoveries > 5) {
      this.destroy();
      this.onFatal(data.reason || data.details);
    } else if (data.type === window.Hls.ErrorTypes.MEDIA_ERROR) {
      this.hls.recoverMediaError();
    } else if (data.details === 'manifestLoadError' || data.details === 'manifestLoadTimeOut') {
      setTimeout(() => this.hls && this.load(this.video.currentTime, !this.video.paused), 1000 * this.recoveries);
    } else {
      setTimeout(() => this.hls?.startLoad(), 1000 * this.recoveries);
    }
  }

  // More renditions than the loaded master playlist has: load it again where play stands.
  update({ renditions, final }) {
    const fresh = renditions > this.known;
    if (this.known > 0 && (fresh || (final && !this.final))) {
      const levels = this.hls?.levels?.length ?? 0;
      if (levels > 0 && levels < renditions) this.load(this.video.currentTime, !this.video.paused);
    }
    this.known = Math.max(this.known, renditions);
    this.final = final;
  }

  menu() {
    const levels = this.hls.levels;
    this.label.hidden = levels.length < 2;
    const order = levels.map((level, index) => ({ level, index })).sort((a, b) => b.level.height - a.level.height);
    const current = this.hls.autoLevelEnabled && levels[this.hls.currentLevel] ? ` (${labelOf(levels[this.hls.currentLevel])})` : '';
    const entries = [new Option(`Auto${current}`, 'auto')];
    for (const { level } of order) entries.push(new Option(labelOf(level), labelOf(level)));
    this.select.replaceChildren(...entries);
    this.select.value = entries.some((entry) => entry.value === this.wanted) ? this.wanted : 'auto';
    if (this.wanted !== 'auto' && this.hls.autoLevelEnabled) this.apply();
  }

  apply() {
    const index = this.hls.levels.findIndex((level) => labelOf(level) === this.wanted);
    this.hls.currentLevel = index;   // -1: automatic
  }

  destroy() {
    this.hls?.destroy();
    this.hls = null;
    this.label.hidden = true;
  }
}
