// The storyboard: WebVTT (https://www.w3.org/TR/webvtt1/) whose cues name a piece of a picture, `storyboard_0.jpg#xywh=160,0,160,90`
// (https://www.w3.org/TR/media-frags/#naming-space).

export interface StoryboardCue {
  start: number;
  end: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

// `00:00:05.000` or `00:05.000` in seconds; NaN when it is neither.
export function parseTimestamp(text: string): number {
  const match = /^(?:(\d{2,}):)?([0-5]?\d):([0-5]?\d)[.,](\d{3})$/.exec(text.trim());
  if (!match) return NaN;
  return Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]) + Number(match[4]) / 1000;
}

// Cues in order of time; what is not understood is left out. URLs are resolved against `base`.
export function parseStoryboard(text: string, base: string): StoryboardCue[] {
  const cues: StoryboardCue[] = [];
  for (const block of text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n').split(/\n{2,}/)) {
    const lines = block.split('\n').filter((line) => line.trim() !== '');
    const timing = lines.findIndex((line) => line.includes('-->'));
    const payload = timing < 0 ? undefined : lines[timing + 1];
    if (timing < 0 || payload === undefined) continue;
    const [from, rest] = lines[timing].split('-->');
    const start = parseTimestamp(from ?? '');
    const end = parseTimestamp((rest ?? '').trim().split(/\s+/)[0] ?? '');
    const piece = /^(.*)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/.exec(payload.trim());
    if (!(end > start) || !piece) continue;
    const [x, y, width, height] = piece.slice(2).map(Number) as [number, number, number, number];
    let url: string;
    try {
      url = new URL(piece[1], base).href;
    } catch {
      continue;
    }
    if (width > 0 && height > 0) cues.push({ start, end, url, x, y, width, height });
  }
  return cues.sort((a, b) => a.start - b.start);
}

// The cue that covers the moment, else the last one before it.
export function cueAt(cues: StoryboardCue[], seconds: number): StoryboardCue | null {
  let low = 0;
  let high = cues.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cues[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? cues[low - 1] : (cues[0] ?? null);
}
