// Numbers into the columns that charts take. Pure.
import type { BitrateShare, RetentionPoint, TimePoint } from '../api/schema';

const kMostBuckets = 1500;

const kClasses = [0.5, 1, 2, 4, 8]; // Mbit/s

// The rendition; over many videos, whose renditions differ, the class of the bit rate.
export function nameOf({ rendition, bitrate }: { rendition: string; bitrate: number }): string {
  if (rendition) return rendition;
  if (!(bitrate > 0)) return 'unknown';
  const top = kClasses.find((limit) => bitrate <= limit * 1e6);
  return top ? `up to ${top} Mbit/s` : `over ${kClasses.at(-1)} Mbit/s`;
}

// From small to large; audio and unknown ones last.
function rankOf(name: string): number {
  const [, height, limit] = /^(?:(\d+)p|up to ([\d.]+) )/.exec(name) ?? [];
  return Number(height ?? limit ?? (name.startsWith('over ') ? 1e6 : Infinity));
}
const byRank = (a: string, b: string): number => rankOf(a) - rankOf(b) || a.localeCompare(b);

export function renditionsOf(points: TimePoint[], shares: BitrateShare[]): string[] {
  const names = new Set<string>();
  for (const share of [...shares, ...points.flatMap((point) => point.bitrates)]) names.add(nameOf(share));
  return [...names].sort(byRank);
}

export interface Buckets {
  times: number[]; // Unix seconds, without holes
  at(time: number): TimePoint | undefined;
}

// Every bucket from the first with something in it to the last, the empty ones too.
export function bucketsOf(points: TimePoint[], seconds: number): Buckets {
  const known = new Map<number, TimePoint>();
  for (const point of points) known.set(Math.round(Date.parse(point.time) / 1000), point);
  const times = [...known.keys()].sort((a, b) => a - b);
  const first = times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined || !(seconds > 0) || (last - first) / seconds > kMostBuckets) return { times, at: (time) => known.get(time) };
  const all: number[] = [];
  for (let time = first; time <= last; time += seconds) all.push(time);
  // Days that daylight saving moved stand beside the grid.
  const merged = times.every((time) => all.includes(time)) ? all : [...new Set([...all, ...times])].sort((a, b) => a - b);
  return { times: merged, at: (time) => known.get(time) };
}

// Watched hours per bucket and rendition, stacked: the first column is the sum of all, the last the lowest layer alone.
export function stackedHours(buckets: Buckets, names: string[]): number[][] {
  const columns = names.map((name) => buckets.times.map((time) => {
    const shares = buckets.at(time)?.bitrates ?? [];
    return shares.filter((share) => nameOf(share) === name).reduce((sum, share) => sum + share.watch_seconds, 0) / 3600;
  }));
  return columns.map((_, index) => buckets.times.map((_time, at) => columns.slice(0, columns.length - index).reduce((sum, column) => sum + column[at], 0)));
}

// Percent of the views that saw each moment, as steps to the end of the video.
export function retentionColumns(points: RetentionPoint[], duration: number): [number[], number[]] {
  const sorted = [...points].sort((a, b) => a.start_seconds - b.start_seconds);
  const x = sorted.map((point) => point.start_seconds);
  const y = sorted.map((point) => point.ratio * 100);
  const last = sorted.at(-1);
  if (last && duration > last.start_seconds) {
    x.push(duration);
    y.push(last.ratio * 100);
  }
  return [x, y];
}

export function exitColumns(points: RetentionPoint[], bucket: number): [number[], number[]] {
  const sorted = [...points].sort((a, b) => a.start_seconds - b.start_seconds);
  return [sorted.map((point) => point.start_seconds + bucket / 2), sorted.map((point) => point.exits)];
}

// The same rendition in several bitrates is one share.
export function sharesByRendition(shares: BitrateShare[]): BitrateShare[] {
  const merged = new Map<string, BitrateShare>();
  for (const share of shares) {
    const before = merged.get(nameOf(share));
    if (!before) merged.set(nameOf(share), { ...share, rendition: nameOf(share) });
    else Object.assign(before, { watch_seconds: before.watch_seconds + share.watch_seconds, ratio: before.ratio + share.ratio, bitrate: Math.max(before.bitrate, share.bitrate) });
  }
  return [...merged.values()].sort((a, b) => byRank(a.rendition, b.rendition));
}
