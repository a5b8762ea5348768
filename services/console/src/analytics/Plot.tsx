// uPlot as a component: as wide as its place, in the colours of the theme, drawn anew when either changes.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Theme {
  text: string;
  muted: string;
  border: string;
  accent: string;
  accentSoft: string;
  bad: string;
  surface: string;
  series: string[];
}

export const kSeries = 7;

function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim() || '#888';
  return {
    text: color('--text'), muted: color('--muted'), border: color('--border'), accent: color('--accent'), accentSoft: color('--accent-soft'),
    bad: color('--bad'), surface: color('--surface'), series: Array.from({ length: kSeries }, (_, index) => color(`--series-${index + 1}`)),
  };
}

export type PlotOptions = Omit<uPlot.Options, 'width' | 'height'>;

export interface PlotProps {
  label: string; // what it shows, for screen readers
  height: number;
  data: uPlot.AlignedData;
  build(theme: Theme): PlotOptions;
  depends?: unknown; // `build` is called again when this changes
  onPlot?(plot: uPlot | null): void;
  testid?: string;
}

export function Plot({ label, height, data, build, depends, onPlot, testid }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [look, setLook] = useState(0);

  useEffect(() => {
    const again = () => setLook((before) => before + 1);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', again);
    window.addEventListener('vora-theme', again);
    return () => {
      scheme.removeEventListener('change', again);
      window.removeEventListener('vora-theme', again);
    };
  }, []);

  useEffect(() => {
    const element = place.current!;
    const made = new uPlot({ ...build(readTheme(element)), width: Math.max(120, element.clientWidth), height }, data, element);
    plot.current = made;
    onPlot?.(made);
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== made.width) made.setSize({ width: element.clientWidth, height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      onPlot?.(null);
      made.destroy();
      plot.current = null;
    };
  }, [look, height, depends]);

  useEffect(() => plot.current?.setData(data), [data]);

  return <div ref={place} class="plot" role="img" aria-label={label} style={{ minHeight: `${height}px` }} data-testid={testid} />;
}

export function axis(theme: Theme, extra: uPlot.Axis = {}): uPlot.Axis {
  return {
    stroke: theme.muted,
    font: '12px system-ui, sans-serif',
    grid: { stroke: theme.border, width: 1 },
    ticks: { show: false },
    gap: 6,
    ...extra,
  };
}

export const bars = (width: number) => uPlot.paths.bars!({ size: [width, 64], radius: 0.12 });
export const steps = () => uPlot.paths.stepped!({ align: 1 });

const kDay = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' });
const kClock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

// Times of the reader's zone: clock times, and the date where a day begins.
export function timeLabels(_plot: uPlot, splits: number[]): string[] {
  return splits.map((seconds) => {
    const time = new Date(seconds * 1000);
    return time.getHours() === 0 && time.getMinutes() === 0 ? kDay.format(time) : kClock.format(time);
  });
}
