// The retention curve, as long as the video, and where viewers left it. Clicking seeks; the line is where play stands.
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';

import type { VideoAnalytics } from '../api/schema';
import { count, duration as clock, percent } from '../format';
import { DataTable } from './DataTable';
import { axis, bars, Plot, steps } from './Plot';
import { exitColumns, retentionColumns } from './series';

const kLeft = 52;

interface Props {
  numbers: VideoAnalytics;
  duration: number;
  currentTime: number;
  onSeek(seconds: number): void;
}

export function Retention({ numbers, duration, currentTime, onSeek }: Props) {
  const { retention, bucket_seconds: bucket } = numbers;
  const end = Math.max(duration, (retention.at(-1)?.start_seconds ?? 0) + bucket);
  const curve = useMemo(() => retentionColumns(retention, end), [retention, end]);
  const exits = useMemo(() => exitColumns(retention, bucket), [retention, bucket]);
  const [hover, setHover] = useState<number | null>(null);
  const seek = useRef(onSeek);
  seek.current = onSeek;

  const point = hover === null ? undefined : retention.find(({ start_seconds: start }) => hover >= start && hover < start + bucket);
  const start = retention[0];
  const half = retention.find(({ ratio }) => start && ratio < start.ratio / 2);
  const label = `Retention: ${start ? percent(start.ratio) : '0 %'} of the views see the beginning, ${retention.length ? percent(retention.at(-1)!.ratio) : '0 %'} the end`
    + (half ? `; half have left by ${clock(half.start_seconds)}` : '');
  const common = () => ({
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: { key: 'retention' } },
    scales: { x: { time: false, range: (): [number, number] => [0, end] } },
    padding: [8, 12, 0, 0] as [number, number, number, number],
    hooks: {
      setCursor: [(plot: uPlot) => setHover(plot.cursor.left !== undefined && plot.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, 'x') : null)],
      ready: [(plot: uPlot) => plot.over.addEventListener('click', (event) => seek.current(plot.posToVal(event.offsetX, 'x')))],
    },
  });

  return (
    <section class="card padded stack" data-testid="retention">
      <div class="card-head">
        <h3>How long they stay</h3>
        <p class="muted small" aria-hidden="true">
          {point ? `${clock(point.start_seconds)}: ${percent(point.ratio)} watch (${count(point.viewers)}), ${count(point.exits)} leave here` : 'Click to go to a moment'}
        </p>
      </div>
      <Marked time={currentTime} end={end}>
        {(onPlot) => (
          <Plot label={label} height={190} data={curve} depends={end} onPlot={onPlot} testid="retention-plot"
            build={(theme) => ({
              ...common(),
              scales: { ...common().scales, y: { range: [0, 100] } },
              axes: [
                axis(theme, { size: 30, values: (_plot, values) => values.map((value) => clock(value)), grid: { show: false } }),
                axis(theme, { size: kLeft, values: (_plot, values) => values.map((value) => `${value} %`), splits: () => [0, 25, 50, 75, 100] }),
              ],
              series: [{}, { stroke: theme.accent, width: 2, fill: withAlpha(theme.accent, 0.18), paths: steps(), points: { show: false } }],
            })} />
        )}
      </Marked>
      <h4 class="plot-title">Where they leave</h4>
      <Plot label={`Exits per ${clock(bucket)} of the video`} height={96} data={exits} depends={end} testid="exits-plot"
        build={(theme) => ({
          ...common(),
          padding: [8, 12, 8, 0],
          scales: { ...common().scales, y: { range: (_plot, _low, high) => [0, Math.max(1, high)] } },
          axes: [
            axis(theme, { show: false }),
            axis(theme, { size: kLeft, splits: (_plot, _axis, _low, high) => [0, Math.ceil(high)], values: (_plot, values) => values.map((value) => count(value)) }),
          ],
          series: [{}, { stroke: theme.bad, width: 0, fill: withAlpha(theme.bad, 0.75), paths: bars(0.8), points: { show: false } }],
        })} />
      <DataTable summary="Retention as a table" columns={['From', 'Watch', 'Share', 'Leave here']}
        rows={retention.map((one) => [
          <button key="seek" type="button" class="link-button" onClick={() => onSeek(one.start_seconds)} aria-label={`Go to ${clock(one.start_seconds)}`}>{clock(one.start_seconds)}</button>,
          count(one.viewers), percent(one.ratio), count(one.exits),
        ])} />
    </section>
  );
}

// A line at the moment that plays.
function Marked({ time, end, children }: { time: number; end: number; children(onPlot: (plot: uPlot | null) => void): JSX.Element }) {
  const plot = useRef<uPlot | null>(null);
  const line = useRef<HTMLElement | null>(null);
  const place = () => {
    if (!plot.current || !line.current) return;
    line.current.style.transform = `translateX(${plot.current.valToPos(Math.min(latest.current, end), 'x')}px)`;
  };
  const latest = useRef(time);
  latest.current = time;
  useEffect(place, [time, end]);
  return children((made) => {
    plot.current = made;
    if (!made) return;
    line.current = document.createElement('div');
    line.current.className = 'plot-now';
    made.over.append(line.current);
    (made.hooks.setSize ??= []).push(place);
    place();
  });
}

// `#rrggbb` with an alpha; canvas understands no color-mix.
export function withAlpha(color: string, alpha: number): string {
  return /^#[0-9a-f]{6}$/i.test(color) ? `${color}${Math.round(alpha * 255).toString(16).padStart(2, '0')}` : color;
}
