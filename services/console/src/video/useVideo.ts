import { useCallback, useEffect, useState } from 'preact/hooks';

import { ApiError, get, isAbort } from '../api/client';
import { useLive, type LiveState } from '../api/live';
import type { Video } from '../api/schema';

export interface ShownVideo {
  video: Video | null;
  error: ApiError | null; // why it could not be loaded
  deleted: boolean;
  live: LiveState;
  update(video: Video): void; // what a request answered
  reload(): void;
}

// A video, kept up to date. Older versions than the one shown are ignored.
export function useVideo(id: string): ShownVideo {
  const [video, setVideo] = useState<Video | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [deleted, setDeleted] = useState(false);
  const update = useCallback((next: Video) => setVideo((current) => (current && current.video_id === next.video_id && current.version > next.version ? current : next)), []);
  const load = useCallback(
    (signal?: AbortSignal) => {
      setError(null);
      get<Video>(`/v1/videos/${encodeURIComponent(id)}`, signal ? { signal } : {}).then(update, (failure: unknown) => {
        if (!isAbort(failure)) setError(failure instanceof ApiError ? failure : new ApiError('UNKNOWN', String(failure)));
      });
    },
    [id],
  );
  useEffect(() => {
    setVideo(null);
    setDeleted(false);
    const control = new AbortController();
    load(control.signal);
    return () => control.abort();
  }, [load]);
  const live = useLive(video && !deleted ? `/v1/videos/${encodeURIComponent(id)}/events` : null, {
    events: ['deleted'],
    onMessage: (data, event) => (event === 'deleted' ? setDeleted(true) : update(data as Video)),
  });
  return { video, error, deleted, live, update, reload: load };
}
