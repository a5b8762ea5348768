import { useEffect, useRef, useState } from 'preact/hooks';
import { lazy, Suspense } from 'preact/compat';

import { isRunning } from '../api/running';
import type { Video } from '../api/schema';
import { StateBadge } from '../components/Badge';
import { EmptyState } from '../components/EmptyState';
import { ErrorNotice } from '../components/ErrorNotice';
import { LiveDot } from '../components/LiveDot';
import { Loading } from '../components/Skeleton';
import { Tabs } from '../components/Tabs';
import { useTitle } from '../components/useTitle';
import { ago, date, duration } from '../format';
import { startOf } from '../match';
import type { PlayerHandle } from '../player/Player';
import { Link, type Params } from '../router';
import { NotFoundPage } from '../shell/NotFoundPage';
import { Actions } from './Actions';
import { Details } from './Details';
import { Outcome } from './Outcome';
import { Overview } from './Overview';
import { useVideo } from './useVideo';
import './video.css';

const Player = lazy(() => import('../player/Player').then((module) => module.Player));
const VideoAnalytics = lazy(() => import('../analytics/VideoAnalytics').then((module) => module.VideoAnalytics));
const Timeline = lazy(() => import('../timeline/Timeline').then((module) => module.Timeline));

const tabs = { '': 'Overview', analytics: 'Analytics', timeline: 'Timeline' } as const;

export default function VideoPage({ params }: { params: Params }) {
  const id = params['id'];
  const tab = params['tab'] ?? '';
  const { video, error, deleted, live, update, reload } = useVideo(id);
  const [editing, setEditing] = useState(false);
  const [encodes, setEncodes] = useState(0); // asked for on this page
  const [time, setTime] = useState(0);
  const player = useRef<PlayerHandle | null>(null);
  const startAt = useRef(startOf(new URLSearchParams(location.search)));
  useTitle(deleted ? 'Deleted' : (video?.title ?? (error?.notFound ? 'Not found' : 'Video')));
  useEffect(() => setTime(0), [id]);

  if (!(tab in tabs)) return <NotFoundPage />;
  if (deleted) return <Gone title="This video was deleted" text="Its files are being removed." />;
  if (error?.notFound) return <Gone title="There is no such video" text="The link may be wrong, or the video was deleted." />;
  if (!video) {
    return error ? <ErrorNotice title="The video could not be loaded" error={error} onRetry={reload} /> : <Loading label="Loading the video" />;
  }
  const base = `/watch/${id}`;
  const seek = (seconds: number) => {
    player.current?.seek(seconds);
    player.current?.element.scrollIntoView({ block: 'nearest' });
  };
  const facts = [video.duration_seconds > 0 ? duration(video.duration_seconds) : '', ago(video.created_at)].filter(Boolean);
  return (
    <article class="video-page" data-testid="video-page" data-state={video.state}>
      {canStillPlay(video) && (
        <div class="stage" data-testid="stage">
          <Suspense fallback={<div class="stage-wait" />}>
            <Player key={id} video={video} startAt={startAt.current} onTime={setTime} handle={(handle: PlayerHandle | null) => (player.current = handle)} />
          </Suspense>
        </div>
      )}
      <header class="video-head">
        <Details video={video} editing={editing} onEdit={setEditing} onSaved={update} />
        <div class="row video-meta">
          <StateBadge state={video.state} testid="video-state" />
          {isRunning(video) && <span class="small" data-testid="video-percent">{video.progress_percent} %</span>}
          <span class="small muted" title={date(video.created_at)}>{facts.join(' · ')}</span>
          {isRunning(video) && <LiveDot state={live} />}
          <span class="grow" />
          <Actions video={video} onChanged={update} onEdit={() => setEditing(true)} onEncode={() => setEncodes(encodes + 1)} editing={editing} />
        </div>
      </header>
      <Outcome video={video} />
      <Tabs
        label="About this video"
        tabs={Object.entries(tabs).map(([name, label]) => ({ href: name ? `${base}/${name}` : base, label, current: name === tab, testid: `tab-${label.toLowerCase()}` }))}
      />
      <div class="tab-content">
        {tab === '' && <Overview video={video} currentTime={time} encodes={encodes} />}
        <Suspense fallback={<Loading />}>
          {tab === 'analytics' && <VideoAnalytics video={video} currentTime={time} onSeek={seek} />}
          {tab === 'timeline' && <Timeline video={video} />}
        </Suspense>
      </div>
    </article>
  );
}

// A failed video without any rendition has no picture to wait for.
const canStillPlay = (video: Video) => video.playable || isRunning(video);

function Gone({ title, text }: { title: string; text: string }) {
  return (
    <EmptyState icon="film" heading="h1" title={title} testid="gone">
      <p>{text}</p>
      <Link class="button primary" href="/">
        Go to the library
      </Link>
    </EmptyState>
  );
}
