// The history of a video's newest run, kept up to date while it runs.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { ApiError, get, isAbort } from '../api/client';
import type { FailedAttempt, History, HistoryEvent, PendingActivity, Video, Workflow } from '../api/schema';

export interface Loaded {
  workflow: Workflow;
  events: HistoryEvent[];
  pending: PendingActivity[];
  failed: FailedAttempt[];
}

const kPage = 1000;
const kPollMs = 1500;
const kRetryMs = 4000;

export function useHistory(video: Video) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [none, setNone] = useState(false);
  const kept = useRef<Loaded | null>(null);
  const offset = useRef(0); // of this clock before the server's, in ms
  const version = useRef(video.version);
  const [round, setRound] = useState(0);
  const path = `/v1/videos/${encodeURIComponent(video.video_id)}/history`;

  if (video.version !== version.current) {
    // It changed just now: the two clocks can be compared.
    version.current = video.version;
    const apart = Date.now() - Date.parse(video.updated_at);
    if (Number.isFinite(apart)) offset.current = Math.abs(apart) < 2000 ? 0 : apart;
  }

  const load = useCallback(async (signal: AbortSignal) => {
    let run = '';
    for (;;) {
      const before = kept.current;
      const after = before?.events.at(-1)?.event_id ?? 0;
      const page = await get<History>(path, { query: { after_event_id: after, page_size: kPage, run_id: run }, signal });
      const same = before?.workflow.run_id === page.workflow.run_id;
      if (before && !same) {
        // Processed anew: another history begins.
        kept.current = null;
        continue;
      }
      kept.current = { workflow: page.workflow, events: [...(before?.events ?? []), ...page.events], pending: page.pending_activities, failed: page.failed_attempts };
      run = page.workflow.run_id;
      if (!page.more) break;
    }
    setLoaded(kept.current);
  }, [path]);

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = () => {
      load(abort.signal).then(
        () => {
          setError(null);
          setNone(false);
          const running = kept.current?.workflow.status === 'RUNNING';
          if (running) timer = setTimeout(wait, kPollMs);
        },
        (problem: unknown) => {
          if (isAbort(problem)) return;
          if (problem instanceof ApiError && problem.notFound) setNone(true);
          else setError(problem);
          if (!(problem instanceof ApiError && problem.status === 403)) timer = setTimeout(wait, kRetryMs);
        },
      );
    };
    // Nobody looks: nothing is asked.
    const wait = () => (document.visibilityState === 'hidden' ? (timer = setTimeout(wait, kPollMs)) : turn());
    turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [path, video.version, round]);

  return { loaded, error, none, now: () => Date.now() - offset.current, reload: () => setRound((before) => before + 1) };
}
