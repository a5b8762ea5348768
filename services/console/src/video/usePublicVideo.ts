// A video as anybody may see it who knows its id, kept up to date while it is being made.
import { useEffect, useState } from 'preact/hooks';

import { ApiError, get } from '../api/client';
import { isRunning } from '../api/running';
import type { Video } from '../api/schema';

const kAgainMs = 2000; // while it is processed
const kRetryMs = 4000;
const kIdleMs = 15_000; // failed or cancelled: somebody may start it again

export interface PublicVideo {
  video: Video | null;
  error: ApiError | null;
  deleted: boolean; // it was there
}

export function usePublicVideo(id: string): PublicVideo {
  const [shown, setShown] = useState<PublicVideo>({ video: null, error: null, deleted: false });
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen = false;
    const again = (ms: number) => (timer = setTimeout(() => (document.visibilityState === 'hidden' ? again(ms) : load()), ms));
    const load = () => {
      get<Video>(`/v1/public/videos/${encodeURIComponent(id)}`, { signal: abort.signal }).then(
        (video) => {
          seen = true;
          setShown({ video, error: null, deleted: false });
          if (video.state !== 'READY') again(isRunning(video) ? kAgainMs : kIdleMs);
        },
        (problem: unknown) => {
          if (abort.signal.aborted) return;
          const error = problem instanceof ApiError ? problem : new ApiError('UNKNOWN', String(problem));
          setShown((before) => ({ ...before, error, deleted: seen && error.notFound }));
          if (error.transient) again(kRetryMs);
        },
      );
    };
    setShown({ video: null, error: null, deleted: false });
    load();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [id]);
  return shown;
}
