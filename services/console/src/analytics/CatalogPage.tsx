// What viewers do with all videos.
import { useState } from 'preact/hooks';

import type { CatalogAnalytics, LiveViewers, VideoShare } from '../api/schema';
import { EmptyState } from '../components/EmptyState';
import { Loading } from '../components/Skeleton';
import { useTitle } from '../components/useTitle';
import { count, percent, span } from '../format';
import { Link } from '../router';
import './analytics.css';
import { RangePicker } from './RangePicker';
import { WatchSeries } from './Series';
import { Head, NumbersError } from './State';
import { Tiles } from './Tiles';
import { rangeOf, useLiveViewers, useNumbers, type RangeId } from './useNumbers';

const kTop = 20;

export default function CatalogPage() {
  useTitle('Analytics');
  const [rangeId, setRange] = useState<RangeId>('7d');
  const range = rangeOf(rangeId);
  const { data, error, reload } = useNumbers<CatalogAnalytics>('/v1/analytics', range.seconds, { top: kTop });
  const live = useLiveViewers();
  const totals = data?.totals;
  return (
    <div class="numbers stack" data-testid="catalog-page">
      <Head title={<h1 tabIndex={-1}>Analytics</h1>}>
        <RangePicker value={rangeId} onChange={setRange} />
      </Head>
      {error ? <NumbersError error={error} onRetry={reload} stale={data !== null} /> : null}
      {!data && !error && <Loading label="Loading the numbers" />}
      {data && totals && totals.views === 0 && (
        <EmptyState icon="chart" title={`Nobody has watched anything ${range.words}`} testid="analytics-empty">
          <p>Views appear here within seconds. Open a video of the <Link href="/">library</Link>, share its link, or choose a longer range.</p>
        </EmptyState>
      )}
      {data && totals && totals.views > 0 && (
        <>
          <Tiles totals={totals} now={live?.viewers_now ?? totals.viewers_now} ends={false} />
          <WatchSeries series={data.series} seconds={data.series_seconds} shares={data.bitrates} fromSeconds={range.seconds} heading="h2" />
          <TopVideos videos={data.videos} live={live} />
        </>
      )}
    </div>
  );
}

function TopVideos({ videos, live }: { videos: VideoShare[]; live: LiveViewers | null }) {
  const most = Math.max(1, ...videos.map((video) => video.watch_seconds));
  const nowOf = (video: VideoShare) => (live ? (live.videos.find((one) => one.video_id === video.video_id)?.viewers_now ?? 0) : video.viewers_now);
  return (
    <section class="card" data-testid="top-videos">
      <div class="card-head padded-head"><h2>Most watched</h2></div>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Most watched videos">
        <table>
          <thead>
            <tr>
              <th scope="col">Video</th>
              <th scope="col" class="number">Watching now</th>
              <th scope="col" class="number">Views</th>
              <th scope="col" class="number">Watch time</th>
              <th scope="col" class="number">Per view</th>
              <th scope="col" class="number">Stalled</th>
            </tr>
          </thead>
          <tbody>
            {videos.map((video) => (
              <tr key={video.video_id} data-testid="top-video">
                <th scope="row" class="top-title">
                  <Link href={`/watch/${encodeURIComponent(video.video_id)}/analytics`}>{video.title || 'A deleted video'}</Link>
                  <span class="top-bar" aria-hidden="true"><span style={{ width: `${(video.watch_seconds / most) * 100}%` }} /></span>
                </th>
                <td class="number">{count(nowOf(video))}</td>
                <td class="number">{count(video.views)}</td>
                <td class="number nowrap">{span(video.watch_seconds)}</td>
                <td class="number nowrap">{span(video.average_watch_seconds)}</td>
                <td class="number">{percent(video.rebuffer_ratio)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
