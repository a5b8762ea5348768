// Numbers that are asked for again while somebody looks. Errors leave what was there; they pass by themselves.
import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError, get, isAbort, type Query } from '../api/client';
import { useLive } from '../api/live';
import type { LiveViewers } from '../api/schema';

export const kRanges = [
  { id: '1h', label: '1 h', words: 'in the last hour', seconds: 3600 },
  { id: '24h', label: '24 h', words: 'in the last 24 hours', seconds: 86400 },
  { id: '7d', label: '7 days', words: 'in the last 7 days', seconds: 7 * 86400 },
  { id: '30d', label: '30 days', words: 'in the last 30 days', seconds: 30 * 86400 },
] as const;
export type RangeId = (typeof kRanges)[number]['id'];
export const rangeOf = (id: RangeId) => kRanges.find((range) => range.id === id)!;

const kAgainMs = 4000;
const kLongestAgainMs = 30_000;
const kAfterErrorMs = 5000;

// Numbers of a month hardly change within seconds, and cost the most.
export const againAfter = (seconds: number): number => Math.min(Math.max(kAgainMs, seconds / 60), kLongestAgainMs);

export interface Numbers<T> {
  data: T | null;
  error: unknown;
  reload(): void;
}

export function useNumbers<T>(path: string, seconds: number, query: Query = {}): Numbers<T> {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const shown = useRef('');
  const key = `${path} ${seconds} ${JSON.stringify(query)}`;

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Another video or range: the old numbers would be wrong under the new heading.
    if (shown.current !== '' && shown.current !== key) setData(null);
    shown.current = key;
    const turn = () => {
      if (document.visibilityState === 'hidden') return void (timer = setTimeout(turn, kAgainMs));
      const from = new Date(Date.now() - seconds * 1000).toISOString();
      get<T>(path, { query: { from, ...query }, signal: abort.signal }).then(
        (answer) => {
          setData(answer);
          setError(null);
          timer = setTimeout(turn, againAfter(seconds));
        },
        (problem: unknown) => {
          if (isAbort(problem)) return;
          setError(problem);
          const wait = problem instanceof ApiError && problem.retryAfterSeconds > 0 ? problem.retryAfterSeconds * 1000 : kAfterErrorMs;
          if (!(problem instanceof ApiError) || problem.transient) timer = setTimeout(turn, wait);
        },
      );
    };
    turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, round]);

  return { data, error, reload: () => setRound((before) => before + 1) };
}

// Who watches now, as it changes; null until the first word.
export function useLiveViewers(): LiveViewers | null {
  const [viewers, setViewers] = useState<LiveViewers | null>(null);
  useLive('/v1/analytics/events', {
    events: ['unavailable'],
    onMessage: (data, event) => setViewers(event === 'unavailable' ? null : (data as LiveViewers)),
  });
  return viewers;
}
