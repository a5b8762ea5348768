// /watch/{id} for those who are not signed in: the video, and what it is. `#token=` as on the embedded player's page.
import { useMemo, useRef } from 'preact/hooks';

import { takePass } from '../api/playback';
import { EmptyState } from '../components/EmptyState';
import { ErrorNotice } from '../components/ErrorNotice';
import { Loading } from '../components/Skeleton';
import { useTitle } from '../components/useTitle';
import { date, duration } from '../format';
import { startOf } from '../match';
import { Player } from '../player/Player';
import type { Params } from '../router';
import { usePublicVideo } from './usePublicVideo';
import './video.css';

export default function ViewerPage({ params }: { params: Params }) {
  const id = params['id'];
  const { video, error, deleted } = usePublicVideo(id);
  useMemo(() => takePass(id), [id]);
  const startAt = useRef(startOf(new URLSearchParams(location.search)));
  useTitle(deleted ? 'Deleted' : (video?.title ?? (error?.notFound ? 'Not found' : 'Video')));
  if (deleted) return <EmptyState icon="film" heading="h1" title="This video was deleted" testid="gone" />;
  if (error?.notFound) {
    return (
      <EmptyState icon="film" heading="h1" title="There is no such video" testid="gone">
        <p>The link may be wrong, or the video was deleted.</p>
      </EmptyState>
    );
  }
  if (!video) return error ? <ErrorNotice title="The video could not be loaded" error={error} /> : <Loading label="Loading the video" />;
  const facts = [video.duration_seconds > 0 ? duration(video.duration_seconds) : '', date(video.created_at)].filter(Boolean);
  return (
    <article class="video-page" data-testid="viewer-page" data-state={video.state}>
      <div class="stage" data-testid="stage">
        <Player key={id} video={video} startAt={startAt.current} />
      </div>
      <header class="video-head">
        <h1 tabIndex={-1} data-testid="video-title">{video.title}</h1>
        {video.description && <p class="video-description" data-testid="video-description">{video.description}</p>}
        <p class="small muted">{facts.join(' · ')}</p>
      </header>
    </article>
  );
}
