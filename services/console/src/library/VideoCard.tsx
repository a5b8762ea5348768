import { useState } from 'preact/hooks';

import { usePass, useSigned } from '../api/playback';
import { isRunning } from '../api/running';
import type { Rendition, Video } from '../api/schema';
import { StateBadge, stateText } from '../components/Badge';
import { Icon } from '../components/Icon';
import { ProgressBar } from '../components/ProgressBar';
import { ago, bytes, date, duration } from '../format';
import { Link } from '../router';

export function VideoCard({ video }: { video: Video }) {
  const title = video.title || video.filename || video.video_id;
  const facts = [bytes(video.source_bytes), ago(video.created_at)];
  return (
    <li class="video-card card" data-testid="video-card" data-id={video.video_id} data-state={video.state}>
      <Poster video={video} />
      <div class="video-facts">
        <Link class="video-title" href={`/watch/${video.video_id}`} data-testid="video-link">
          {title}
        </Link>
        <div class="row video-line">
          <StateBadge state={video.state} />
          <span class="small muted" title={date(video.created_at)}>{facts.join(' · ')}</span>
        </div>
        {video.state === 'FAILED' && <p class="small bad-text clamp">{video.failure || 'Processing failed.'}</p>}
        {isRunning(video) && <Progress video={video} />}
      </div>
    </li>
  );
}

function Poster({ video }: { video: Video }) {
  const [broken, setBroken] = useState('');
  const pass = usePass(video.video_id);
  const first = useSigned(pass, video.poster_url);
  const [later, setLater] = useState('');
  const poster = later || first;
  // Scrolled to after long, its token may have ended.
  const failed = () => {
    const now = pass.sign(video.poster_url);
    if (now === poster) setBroken(poster);
    else setLater(now);
  };
  const shown = poster && broken !== poster;
  return (
    <div class="poster">
      {shown ? (
        <img src={poster} alt="" loading="lazy" onError={failed} />
      ) : (
        <span class="poster-none"><Icon name={video.state === 'FAILED' ? 'alert' : 'film'} size={36} /></span>
      )}
      {video.duration_seconds > 0 && <span class="poster-duration">{duration(video.duration_seconds)}</span>}
    </div>
  );
}

const nameOf = (rendition: Rendition) => (rendition.height > 0 ? rendition.name : 'Audio');

function Progress({ video }: { video: Video }) {
  return (
    <div class="card-progress" data-testid="card-progress">
      <ProgressBar value={video.progress_percent} label={`Processing of ${video.title}`} />
      <ul>
        {video.renditions.map((rendition) => (
          <li key={rendition.name} class={`rendition-chip ${rendition.state.toLowerCase()}`} title={stateText(rendition.state)}>
            {nameOf(rendition)} <span>{rendition.state === 'DONE' ? '✓' : `${rendition.progress_percent} %`}</span>
          </li>
        ))}
        {video.renditions.length === 0 && <li class="rendition-chip">{video.state === 'CREATED' ? 'Waiting' : 'Looking at the file…'}</li>}
      </ul>
    </div>
  );
}
