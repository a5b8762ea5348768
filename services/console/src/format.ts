// Numbers and times for people.

const pad = (value: number) => String(value).padStart(2, '0');

// 75 -> 1:15, 3675 -> 1:01:15
export function duration(seconds: number): string {
  if (!(seconds >= 0) || !Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

// A span in words: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
export function span(seconds: number): string {
  if (!(seconds >= 0) || !Number.isFinite(seconds)) return '–';
  if (seconds === 0) return '0 s';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${trim(seconds.toFixed(1))} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const units: [number, string][] = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = units.findIndex(([size]) => whole >= size);
  const [size, name] = units[first];
  const [nextSize, nextName] = units[first + 1];
  const rest = Math.floor((whole % size) / nextSize);
  return rest > 0 ? `${Math.floor(whole / size)} ${name} ${rest} ${nextName}` : `${Math.floor(whole / size)} ${name}`;
}

const trim = (text: string) => text.replace(/\.0$/, '');

function scaled(value: number, step: number, units: string[]): string {
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : trim(value.toFixed(1))} ${units[unit]}`;
}

export const bytes = (count: number): string => (count >= 0 ? scaled(count, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']) : '–');

export const bitrate = (bitsPerSecond: number): string => (bitsPerSecond > 0 ? scaled(bitsPerSecond, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']) : '–');

export const count = (value: number): string => value.toLocaleString('en');

// 0.123 -> 12 %, 0.004 -> 0.4 %
export function percent(ratio: number): string {
  if (!Number.isFinite(ratio)) return '–';
  const value = ratio * 100;
  return `${value !== 0 && Math.abs(value) < 9.95 ? trim(value.toFixed(1)) : Math.round(value)} %`;
}

// the token has no scope `upload` -> The token has no scope “upload”.
export function sentence(text: string): string {
  const clean = text.trim().replace(/`([^`]*)`/g, '“$1”');
  return clean ? clean[0].toUpperCase() + clean.slice(1) + (/[.!?]$/.test(clean) ? '' : '.') : '';
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

// An RFC 3339 time, in the reader's zone.
export const date = (time: string | undefined): string => (time && !Number.isNaN(Date.parse(time)) ? dateTime.format(new Date(time)) : '–');
export const timeOfDay = (time: string | undefined): string => (time && !Number.isNaN(Date.parse(time)) ? clock.format(new Date(time)) : '–');

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

export function ago(time: string, now = Date.now()): string {
  const seconds = (Date.parse(time) - now) / 1000;
  if (Number.isNaN(seconds)) return '–';
  const past = Math.abs(seconds);
  if (past < 45) return 'just now';
  if (past < 3570) return relative.format(Math.round(seconds / 60), 'minute');
  if (past < 86400) return relative.format(Math.round(seconds / 3600), 'hour');
  if (past < 86400 * 30) return relative.format(Math.round(seconds / 86400), 'day');
  return date(time);
}
