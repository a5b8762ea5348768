// The page /embed/{id}: the player alone, for iframes. `?autoplay=1&muted=1&t=30`, and `#token=` with a playback token that the framing
// site has got (the server never sees what stands behind `#`).
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { ApiError, get } from '../api/client';
import { useLive } from '../api/live';
import { givePass } from '../api/playback';
import type { Video } from '../api/types';
import { matchPath, startOf } from '../match';
import { Player } from '../player/Player';
import './embed.css';

const id = matchPath('/embed/{id}', location.pathname)?.['id'] ?? '';
const query = new URLSearchParams(location.search);
const isOn = (name: string) => ['1', 'true', ''].includes(query.get(name) ?? '0');
const startAt = startOf(query);
const kRetryMs = 4000;
const token = new URLSearchParams(location.hash.slice(1)).get('token');
if (token) givePass(id, token);

function Message({ title, text }: { title: string; text: string }) {
  return (
    <div class="embed-message" role="status" data-testid="embed-message">
      <strong>{title}</strong>
      <span>{text}</span>
    </div>
  );
}

function Embed() {
  const [video, setVideo] = useState<Video | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [gone, setGone] = useState(false);
  const path = `/v1/videos/${encodeURIComponent(id)}`;

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const abort = new AbortController();
    const load = () => {
      get<Video>(path, { signal: abort.signal })
        .then((loaded) => {
          setVideo(loaded);
          setError(null);
        })
        .catch((problem: unknown) => {
          if (abort.signal.aborted) return;
          const told = problem instanceof ApiError ? problem : new ApiError('UNKNOWN', String(problem));
          setError(told);
          if (told.transient) timer = setTimeout(load, kRetryMs);
        });
    };
    load();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, []);

  // Changes matter until it is ready: more of it can be played.
  const follow = video !== null && !gone && video.state !== 'READY';
  useLive(follow ? `${path}/events` : null, {
    events: ['deleted'],
    onMessage: (data, event) => {
      if (event === 'deleted') setGone(true);
      else setVideo((before) => (before && before.version > (data as Video).version ? before : (data as Video)));
    },
  });
  useEffect(() => {
    if (video) document.title = video.title;
  }, [video?.title]);

  if (gone) return <Message title="This video was deleted" text="" />;
  if (video) return <Player video={video} fill autoplay={isOn('autoplay')} muted={isOn('muted') ? true : undefined} startAt={startAt} />;
  if (error?.notFound) return <Message title="There is no such video" text="The link may be wrong, or the video was deleted." />;
  if (error) return <Message title="The video cannot be reached right now" text={error.transient ? 'Trying again…' : error.message} />;
  return <Message title="Loading…" text="" />;
}

render(<Embed />, document.getElementById('app')!);
