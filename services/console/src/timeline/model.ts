// A workflow's history as bars over time. Pure: history and the present moment in, groups of bars out.

import type { Failure, FailedAttempt, HistoryEvent, PendingActivity, Workflow } from '../api/schema';

export type BarState = 'waiting' | 'running' | 'retrying' | 'done' | 'failed' | 'canceled';

export interface Bar {
  key: string; // unique: the event, and of a group the item
  event: number; // that scheduled it
  id: string;  // `720p/chunk/3`
  type: string; // `media.EncodeChunk`
  label: string;
  group: string;
  queue: string;
  state: BarState;
  scheduled: number; // Unix ms
  started: number | null; // of the last attempt
  ended: number | null;
  attempt: number;
  worker: string;
  second: string; // the worker of a second attempt beside a slow one
  progress: number | null;
  failure: Failure | null;
  nextAttempt: number | null;
  earlier: FailedAttempt[]; // attempts that ended without success, oldest first
}

export interface Group {
  key: string;
  label: string;
  bars: Bar[];
  done: number;
  failed: number;
  running: number;
  retries: number;
  from: number;
  to: number;
}

export interface Timeline {
  from: number;
  to: number;
  groups: Group[];
  counts: Record<BarState, number>;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const time = (value: string | undefined): number | null => {
  const ms = value ? Date.parse(value) : NaN;
  return Number.isNaN(ms) ? null : ms;
};

const kGroups: [string, string][] = [
  ['probe', 'Probe'],
  ['plan', 'Plan'],
  ['pictures', 'Poster and storyboard'],
  ['audio', 'Audio'],
  ['captions', 'Captions'],
];
const kLastGroups: [string, string][] = [
  ['publish', 'Publish'],
  ['other', 'Other'],
  ['records', 'Metadata records'],
];

export function groupOf(id: string, type: string): string {
  if (type.startsWith('metadata.')) return id.startsWith('plan/') ? 'plan' : 'records';
  if (id === 'probe') return 'probe';
  if (/^(poster|storyboard)/.test(id)) return 'pictures';
  if (id === 'masters' || id.endsWith('/publish')) return 'publish';
  if (/^audio/.test(id)) return 'audio';
  if (/^(subs|captions?)/.test(id)) return 'captions';
  const track = /^([^/]+)\/chunk\/\d+$/.exec(id);
  return track ? `track:${track[1]}` : 'other';
}

export function labelOf(id: string, type: string): string {
  if (type.startsWith('metadata.')) return id;
  const chunk = /\/chunk\/(\d+)$/.exec(id);
  if (chunk) return `Chunk ${chunk[1]}`;
  const known: Record<string, string> = { probe: 'Probe', poster: 'Poster', storyboard: 'Storyboard', captions: 'Captions', masters: 'Master playlists' };
  return known[id] ?? id;
}

const kEnds: Record<string, BarState> = {
  ACTIVITY_TASK_COMPLETED: 'done',
  ACTIVITY_TASK_FAILED: 'failed',
  ACTIVITY_TASK_TIMED_OUT: 'failed',
  ACTIVITY_TASK_CANCELED: 'canceled',
  ACTIVITY_TASK_ITEMS_ENDED: 'done',
};

interface ItemEnd {
  name: string;
  attempt?: number;
  failure?: Failure;
}
const keyOf = (event: unknown, item: string): string => (item ? `${Number(event)} ${item}` : `${Number(event)}`);
// The items of a group by their names; one without a name for any other activity.
const itemsOf = (attributes: Record<string, unknown>): string[] => (Array.isArray(attributes['items']) ? (attributes['items'] as string[]) : ['']);

export function buildTimeline(workflow: Workflow, events: HistoryEvent[], pending: PendingActivity[], failed: FailedAttempt[], now: number): Timeline {
  const bars = new Map<string, Bar>();
  for (const event of events) {
    const { attributes } = event;
    const at = time(event.time) ?? 0;
    if (event.type === 'ACTIVITY_TASK_SCHEDULED') {
      for (const item of itemsOf(attributes)) {
        const [id, type] = [(item ? `${item}/` : '') + text(attributes['activity_id']), text(attributes['activity_type'])];
        const key = keyOf(event.event_id, item);
        bars.set(key, {
          key, event: event.event_id, id, type, label: labelOf(id, type), group: groupOf(id, type), queue: text(attributes['queue']), state: 'waiting',
          scheduled: at, started: null, ended: null, attempt: 1, worker: '', second: '', progress: null, failure: null, nextAttempt: null,
          earlier: failed.filter((attempt) => attempt.scheduled_event_id === event.event_id && attempt.activity_id === id),
        });
      }
      continue;
    }
    const state = kEnds[event.type];
    if (!state) continue;
    const scheduled = attributes['scheduled_event_id'];
    const end = (bar: Bar | undefined, how: BarState, attempt: unknown, failure: unknown): void => {
      if (!bar || bar.ended !== null) return;
      const startedUs = Number(attributes['started_time_us']);
      bar.state = how;
      bar.ended = at;
      bar.started = startedUs > 0 ? startedUs / 1000 : null;
      bar.attempt = Number(attempt) || 1;
      bar.worker = text(attributes['worker_id']);
      bar.failure = (failure as Failure | undefined) ?? null;
    };
    if (Array.isArray(attributes['items'])) {
      for (const item of attributes['items'] as ItemEnd[]) end(bars.get(keyOf(scheduled, item.name)), item.failure ? 'failed' : 'done', item.attempt, item.failure);
      continue;
    }
    // What ends a group as a whole ends the items that are left.
    const prefix = keyOf(scheduled, '');
    for (const bar of bars.values()) {
      if (bar.key === prefix || bar.key.startsWith(`${prefix} `)) end(bar, state, attributes['attempt'], attributes['failure']);
    }
  }
  const open = new Map([...bars.values()].map((bar) => [`${bar.key.split(' ')[0]} ${bar.id}`, bar]));
  for (const activity of pending) {
    const bar = open.get(`${activity.scheduled_event_id} ${activity.activity_id}`);
    if (!bar || bar.ended !== null) continue;
    const started = activity.state !== 'SCHEDULED' && activity.started_time !== undefined;
    bar.state = started ? 'running' : activity.attempt > 1 ? 'retrying' : 'waiting';
    bar.started = started ? time(activity.started_time) : null;
    bar.attempt = activity.attempt;
    bar.worker = activity.worker_id;
    bar.second = activity.second_attempt?.worker_id ?? '';
    bar.progress = started ? activity.progress : null;
    bar.failure = activity.last_failure?.code ? activity.last_failure : null;
    bar.nextAttempt = time(activity.next_attempt_time);
  }
  const closed = time(workflow.close_time);
  // What was open when the run closed ended with it.
  if (closed !== null) {
    for (const bar of bars.values()) if (bar.ended === null) Object.assign(bar, { state: 'canceled', ended: closed });
  }
  const from = time(workflow.start_time) ?? Math.min(now, ...[...bars.values()].map((bar) => bar.scheduled));
  const last = Math.max(from, ...[...bars.values()].map((bar) => bar.ended ?? bar.started ?? bar.scheduled));
  const to = Math.max(closed ?? Math.max(now, last), from + 1);
  const counts: Record<BarState, number> = { waiting: 0, running: 0, retrying: 0, done: 0, failed: 0, canceled: 0 };
  for (const bar of bars.values()) counts[bar.state] += 1;
  return { from, to, groups: group([...bars.values()], to), counts };
}

function group(bars: Bar[], to: number): Group[] {
  const tracks = [...new Set(bars.map((bar) => bar.group))].filter((key) => key.startsWith('track:'));
  // The ladder from the bottom to the top, as it is encoded.
  tracks.sort((a, b) => parseInt(a.slice(6), 10) - parseInt(b.slice(6), 10) || a.localeCompare(b));
  const order = [...kGroups, ...tracks.map((key): [string, string] => [key, key.slice(6)]), ...kLastGroups];
  return order.flatMap(([key, label]) => {
    const own = bars.filter((bar) => bar.group === key);
    if (own.length === 0) return [];
    return [{
      key,
      label,
      bars: own,
      done: own.filter(({ state }) => state === 'done').length,
      failed: own.filter(({ state }) => state === 'failed').length,
      running: own.filter(({ state }) => state === 'running').length,
      retries: own.reduce((sum, { attempt }) => sum + attempt - 1, 0),
      from: Math.min(...own.map((bar) => bar.started ?? bar.scheduled)),
      to: Math.max(...own.map((bar) => bar.ended ?? to)),
    }];
  });
}

// Round steps of time, at most `most` of them, in ms from the beginning.
export function ticks(lengthMs: number, most: number): number[] {
  const steps = [100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3, 900e3, 1800e3, 3600e3, 7200e3, 21600e3, 43200e3, 86400e3];
  const step = steps.find((size) => lengthMs / size <= most) ?? Math.ceil(lengthMs / most / 86400e3) * 86400e3;
  const out: number[] = [];
  for (let at = 0; at <= lengthMs; at += step) out.push(at);
  return out;
}

// `0`, `5 s`, `1:30`, `2:00:00`
export function tickLabel(ms: number): string {
  if (ms === 0) return '0';
  if (ms < 60e3) return `${ms % 1000 ? (ms / 1000).toFixed(1) : ms / 1000} s`;
  const seconds = Math.round(ms / 1000);
  const rest = `${String(Math.floor(seconds / 60) % 60).padStart(seconds >= 3600 ? 2 : 1, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${rest}` : rest;
}

export const kStateText: Record<BarState, string> = {
  waiting: 'Waiting',
  running: 'Running',
  retrying: 'Waiting to be retried',
  done: 'Done',
  failed: 'Failed',
  canceled: 'Cancelled',
};
