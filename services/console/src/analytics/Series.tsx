// Watch time per bucket of time, by rendition; and the shares of the renditions.
import { useMemo } from 'preact/hooks';

import type { BitrateShare, TimePoint } from '../api/schema';
import { bitrate, count, date, percent, span } from '../format';
import { DataTable } from './DataTable';
import { axis, bars, kSeries, Plot, timeLabels } from './Plot';
import { bucketsOf, renditionsOf, sharesByRendition, stackedHours } from './series';

const kNames: Record<number, string> = { 60: 'minute', 3600: 'hour', 86400: 'day' };

export function WatchSeries({ series, seconds, shares, fromSeconds, heading: Heading = 'h3' }: { series: TimePoint[]; seconds: number; shares: BitrateShare[]; fromSeconds: number; heading?: 'h2' | 'h3' }) {
  const names = useMemo(() => renditionsOf(series, shares), [series, shares]);
  const buckets = useMemo(() => bucketsOf(series, seconds), [series, seconds]);
  const data = useMemo((): [number[], ...number[][]] => [buckets.times.map((time) => time + seconds / 2), ...scaled(stackedHours(buckets, names))], [buckets, names, seconds]);
  const unit = unitOf(buckets, names);
  const bucket = kNames[seconds] ?? span(seconds);
  const total = series.reduce((sum, point) => sum + point.watch_seconds, 0);
  return (
    <section class="card padded stack" data-testid="watch-series">
      <div class="card-head">
        <Heading>Watch time by quality</Heading>
        <p class="muted small">{unit.name} per {bucket}</p>
      </div>
      {series.length === 0 ? <p class="muted">Nothing was watched in this time.</p> : (
        <Plot label={`Watch time per ${bucket}: ${span(total)} in all, by ${names.join(', ')}`} height={210} data={data} testid="series-plot"
          depends={`${names.join()} ${seconds} ${fromSeconds}`}
          build={(theme) => ({
            legend: { show: false },
            cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
            padding: [8, 12, 0, 0],
            scales: {
              x: { range: () => [Math.floor(Date.now() / 1000) - fromSeconds, Math.floor(Date.now() / 1000) + seconds / 2] },
              y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
            },
            axes: [axis(theme, { size: 30, space: 64, values: timeLabels, grid: { show: false } }), axis(theme, { size: 52, values: (_plot, values) => values.map((value) => count(Math.round(value * 100) / 100)) })],
            // The sum of all is drawn first, the lower sums over it.
            series: [{}, ...names.map((_, index) => {
              const color = theme.series[(names.length - 1 - index) % kSeries];
              return { fill: color, stroke: color, width: 0, paths: bars(0.78), points: { show: false } };
            })],
          })} />
      )}
      <Shares shares={shares} names={names} />
      {series.length > 0 && (
        <DataTable summary="Watch time as a table" columns={['From', 'Views', 'Watched', 'Stalled', 'Average bitrate']}
          rows={[...series].sort((a, b) => b.time.localeCompare(a.time)).map((point) => [
            date(point.time), count(point.views), span(point.watch_seconds), span(point.stall_seconds), bitrate(point.average_bitrate),
          ])} />
      )}
    </section>
  );

  function scaled(columns: number[][]): number[][] {
    const { factor } = unitOf(buckets, names);
    return columns.map((column) => column.map((hours) => hours * factor));
  }
}

// Hours where there are some, else minutes, else seconds.
function unitOf(buckets: ReturnType<typeof bucketsOf>, names: string[]): { name: string; factor: number } {
  const most = Math.max(0, ...(stackedHours(buckets, names)[0] ?? []));
  if (most >= 2) return { name: 'Hours', factor: 1 };
  return most * 60 >= 2 ? { name: 'Minutes', factor: 60 } : { name: 'Seconds', factor: 3600 };
}

export function Shares({ shares, names }: { shares: BitrateShare[]; names: string[] }) {
  const merged = sharesByRendition(shares);
  if (merged.length === 0) return null;
  const color = (rendition: string) => `var(--series-${(Math.max(0, names.indexOf(rendition)) % kSeries) + 1})`;
  return (
    <div data-testid="bitrate-shares">
      <div class="share-bar" aria-hidden="true">
        {merged.map((share) => <span key={share.rendition} style={{ width: `${share.ratio * 100}%`, background: color(share.rendition) }} />)}
      </div>
      <ul class="share-list">
        {merged.map((share) => (
          <li key={share.rendition}>
            <i style={{ background: color(share.rendition) }} aria-hidden="true" />
            <strong>{share.rendition}</strong>
            <span>{percent(share.ratio)}</span>
            <span class="muted small">{span(share.watch_seconds)}{share.bitrate > 0 ? ` · ${bitrate(share.bitrate)}` : ''}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
