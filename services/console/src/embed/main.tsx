// The page /embed/{id}: the player alone, for iframes. `?autoplay=1&muted=1&t=30`, and `#token=` with a playback token that the framing
// site has got. Nobody signs in here: it shows what anybody may see.
import { render } from 'preact';
import { useEffect } from 'preact/hooks';

import { takePass } from '../api/playback';
import { matchPath, startOf } from '../match';
import { Player } from '../player/Player';
import { usePublicVideo } from '../video/usePublicVideo';
import './embed.css';

const id = matchPath('/embed/{id}', location.pathname)?.['id'] ?? '';
const query = new URLSearchParams(location.search);
const isOn = (name: string) => ['1', 'true', ''].includes(query.get(name) ?? '0');
const startAt = startOf(query);
takePass(id);

function Message({ title, text }: { title: string; text: string }) {
  return (
    <div class="embed-message" role="status" data-testid="embed-message">
      <strong>{title}</strong>
      <span>{text}</span>
    </div>
  );
}

function Embed() {
  const { video, error, deleted } = usePublicVideo(id);
  useEffect(() => {
    if (video) document.title = video.title;
  }, [video?.title]);

  if (deleted) return <Message title="This video was deleted" text="" />;
  if (video) return <Player video={video} fill autoplay={isOn('autoplay')} muted={isOn('muted') ? true : undefined} startAt={startAt} />;
  if (error?.notFound) return <Message title="There is no such video" text="The link may be wrong, or the video was deleted." />;
  if (error) return <Message title="The video cannot be reached right now" text={error.transient ? 'Trying again…' : error.message} />;
  return <Message title="Loading…" text="" />;
}

render(<Embed />, document.getElementById('app')!);
