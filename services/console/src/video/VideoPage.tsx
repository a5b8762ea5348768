import { useEffect, useState } from 'preact/hooks';

import { get } from '../api/client';
import type { Video } from '../api/types';
import { Tabs } from '../components/Tabs';
import { useTitle } from '../components/useTitle';
import { Player } from '../player/Player';
import { Timeline } from '../timeline/Timeline';
import { VideoAnalytics } from '../analytics/VideoAnalytics';
import type { Params } from '../router';

export default function VideoPage({ params }: { params: Params }) {
  const [video, setVideo] = useState<Video | null>(null);
  const id = params['id']!;
  const tab = params['tab'] ?? '';
  useTitle(video?.title ?? 'Video');
  useEffect(() => void get<Video>(`/v1/videos/${id}`).then(setVideo), [id]);
  if (!video) return null;
  const base = `/watch/${id}`;
  return (
    <div class="stack">
      <Player video={video} />
      <h1 tabIndex={-1}>{video.title}</h1>
      <Tabs
        label="Video"
        tabs={[
          { href: base, label: 'Overview', current: tab === '' },
          { href: `${base}/analytics`, label: 'Analytics', current: tab === 'analytics' },
          { href: `${base}/timeline`, label: 'Timeline', current: tab === 'timeline' },
        ]}
      />
      {tab === 'timeline' && <Timeline video={video} />}
      {tab === 'analytics' && <VideoAnalytics video={video} currentTime={0} onSeek={() => {}} />}
    </div>
  );
}
