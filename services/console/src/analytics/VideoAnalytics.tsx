// What viewers do with one video.
import { useState } from 'preact/hooks';

import type { Video, VideoAnalytics as VideoNumbers } from '../api/schema';
import { EmptyState } from '../components/EmptyState';
import { Loading } from '../components/Skeleton';
import './analytics.css';
import { RangePicker } from './RangePicker';
import { Retention } from './Retention';
import { WatchSeries } from './Series';
import { Sessions } from './Sessions';
import { Head, NumbersError } from './State';
import { Tiles } from './Tiles';
import { rangeOf, useLiveViewers, useNumbers, type RangeId } from './useNumbers';

export interface VideoAnalyticsProps {
  video: Video;
  currentTime: number;
  onSeek(seconds: number): void;
}

export function VideoAnalytics({ video, currentTime, onSeek }: VideoAnalyticsProps) {
  const [rangeId, setRange] = useState<RangeId>('7d');
  const range = rangeOf(rangeId);
  const { data, error, reload } = useNumbers<VideoNumbers>(`/v1/videos/${encodeURIComponent(video.video_id)}/analytics`, range.seconds);
  const live = useLiveViewers();
  const totals = data?.totals;
  const now = live ? (live.videos.find((one) => one.video_id === video.video_id)?.viewers_now ?? 0) : (totals?.viewers_now ?? 0);
  return (
    <section class="numbers stack" data-testid="video-analytics" aria-label={`Viewers of ${video.title}`}>
      <Head title={<h2>Viewers {range.words}</h2>}>
        <RangePicker value={rangeId} onChange={setRange} />
      </Head>
      {error ? <NumbersError error={error} onRetry={reload} stale={data !== null} /> : null}
      {!data && !error && <Loading label="Loading the numbers" />}
      {data && totals && totals.views === 0 && (
        <EmptyState icon="chart" title={`Nobody has watched this ${range.words}`} heading="h3" testid="analytics-empty">
          <p>Share the link of this page or put the player into your own; each view appears here within seconds. Older views are in a longer range.</p>
        </EmptyState>
      )}
      {data && totals && totals.views > 0 && (
        <>
          <Tiles totals={totals} now={now} />
          {data.retention.length > 0 && <Retention numbers={data} duration={video.duration_seconds} currentTime={currentTime} onSeek={onSeek} />}
          <WatchSeries series={data.series} seconds={data.series_seconds} shares={data.bitrates} fromSeconds={range.seconds} />
          <Sessions videoId={video.video_id} seconds={range.seconds} />
        </>
      )}
    </section>
  );
}
