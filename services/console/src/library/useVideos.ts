import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { get, isAbort } from '../api/client';
import { useLive, type LiveState } from '../api/live';
import type { Video, VideoPage } from '../api/schema';
import { withFreshStart, withPage, withVideo, withoutVideo, type Filter } from './videos';

const pageSize = 24;

export interface Videos {
  videos: Video[] | null; // null: not loaded yet
  error: unknown;
  more: boolean;
  loadingMore: boolean;
  live: LiveState;
  loadMore(): void;
  reload(): void;
}

export function useVideos(filter: Filter): Videos {
  const [videos, setVideos] = useState<Video[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [token, setToken] = useState('');
  const [loadingMore, setLoadingMore] = useState(false);
  const request = useRef<AbortController | null>(null);
  const { query, state, label } = filter;

  const load = useCallback(
    async (pageToken: string) => {
      request.current?.abort();
      const control = new AbortController();
      request.current = control;
      setLoadingMore(pageToken !== '');
      try {
        const page = await get<VideoPage>('/v1/videos', { query: { page_size: pageSize, page_token: pageToken, query, state, label }, signal: control.signal });
        setVideos((list) => (pageToken && list ? withPage(list, page.videos) : page.videos));
        setToken(page.next_page_token);
        setError(null);
      } catch (failure) {
        if (isAbort(failure)) return;
        setError(failure);
      }
      setLoadingMore(false);
    },
    [query, state, label],
  );
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    void load('');
    return () => request.current?.abort();
  }, [load]);

  // What changed while nobody listened.
  const refresh = async () => {
    try {
      const page = await get<VideoPage>('/v1/videos', { query: { page_size: pageSize, query, state, label } });
      if (latest.current !== load) return;
      setVideos((list) => (list ? withFreshStart(list, page.videos, !page.next_page_token) : page.videos));
      setToken((current) => (page.next_page_token ? current || page.next_page_token : ''));
      setError(null);
    } catch {
      // The list stays as it is; the stream says when it breaks again.
    }
  };

  const live = useLive('/v1/events', {
    events: ['deleted'],
    onOpen: () => void refresh(),
    onMessage: (data, event) => {
      const video = data as Video;
      setVideos((list) => list && (event === 'deleted' ? withoutVideo(list, video.video_id) : withVideo(list, video, { query, state, label }, token !== '')));
    },
  });
  return { videos, error, more: token !== '', loadingMore, live, loadMore: () => void load(token), reload: () => void load('') };
}
