// The bars. One of them takes part in the tab order; the arrow keys move among them.
import { useEffect, useRef, useState } from 'preact/hooks';

import { span } from '../format';
import { kStateText, tickLabel, ticks, type Bar, type Group, type Timeline } from './model';

export interface ChartProps {
  timeline: Timeline;
  now: number;
  zoom: number;
  active: string | null; // shown in the details
  pinned: string | null;
  onShow(bar: Bar | null): void; // hover and focus
  onPin(bar: Bar | null): void;
}

const kRowsAtOnce = 60;

export function Chart({ timeline, now, zoom, active, pinned, onShow, onPin }: ChartProps) {
  const root = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const [choice, setChoice] = useState<Record<string, boolean>>({});
  const [more, setMore] = useState<Record<string, number>>({});
  const [stop, setStop] = useState<string | null>(null); // the bar in the tab order
  const length = timeline.to - timeline.from;
  const place = (from: number, to: number) => ({
    left: `${((from - timeline.from) / length) * 100}%`,
    width: `${(Math.max(0, to - from) / length) * 100}%`,
  });
  const marks = ticks(length, Math.max(3, Math.round((narrow ? 4 : 9) * zoom)));
  const isOpen = (group: Group) => choice[group.key] ?? defaultOpen(group, narrow);
  const shown = timeline.groups.flatMap((group) => (isOpen(group) || group.bars.length === 1 ? group.bars.slice(0, more[group.key] ?? kRowsAtOnce) : []));
  const tabStop = shown.some(({ key }) => key === stop) ? stop : (shown[0]?.key ?? null);

  const onKey = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (!target.classList.contains('tl-bar')) return;
    if (event.key === 'Escape') return onPin(null);
    const bars = Array.from(root.current!.querySelectorAll<HTMLElement>('.tl-bar'));
    const at = bars.indexOf(target);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: bars.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    bars[Math.min(bars.length - 1, Math.max(0, to))]?.focus();
  };

  const barOf = (bar: Bar) => (
    <button type="button" class={`tl-bar tl-${bar.state}${active === bar.key ? ' tl-active' : ''}`} tabIndex={bar.key === tabStop ? 0 : -1}
      style={place(bar.scheduled, bar.ended ?? Math.max(now, bar.scheduled))} aria-label={describe(bar, now)} aria-pressed={pinned === bar.key}
      data-testid="timeline-bar" data-state={bar.state} data-activity={bar.id}
      onMouseEnter={() => onShow(bar)} onMouseLeave={() => onShow(null)}
      onFocus={() => {
        setStop(bar.key);
        onShow(bar);
      }}
      onBlur={() => onShow(null)} onClick={() => onPin(pinned === bar.key ? null : bar)}>
      <span class="tl-wait" style={{ width: `${waitShare(bar, now)}%` }} />
      <span class="tl-run">
        {bar.state === 'running' && bar.progress !== null && <span class="tl-progress" style={{ width: `${bar.progress * 100}%` }} />}
      </span>
    </button>
  );

  return (
    <div class="tl-scroll" ref={root} onKeyDown={onKey} data-testid="timeline-chart">
      <div class="tl-chart" style={{ '--zoom': String(zoom) }} role="group" aria-label="Activities over time. The arrow keys move from one to the next.">
        <div class="tl-axis" aria-hidden="true">
          <span class="tl-label" />
          <span class="tl-lane">
            {marks.map((at) => (
              <span key={at} class="tl-tick" style={{ left: `${(at / length) * 100}%` }}>{tickLabel(at)}</span>
            ))}
          </span>
        </div>
        <div class="tl-grid" aria-hidden="true">
          {marks.map((at) => <span key={at} style={{ left: `${(at / length) * 100}%` }} />)}
        </div>
        {timeline.groups.map((group) => {
          const single = group.bars.length === 1;
          const open = !single && isOpen(group);
          const rows = group.bars.slice(0, more[group.key] ?? kRowsAtOnce);
          return (
            <div key={group.key} class="tl-group" data-testid={`timeline-group-${group.key.replace('track:', '')}`}>
              <div class="tl-row tl-head">
                {single ? (
                  <div class="tl-label tl-alone"><GroupName group={group} /></div>
                ) : (
                  <button type="button" class="tl-label tl-toggle" aria-expanded={open} onClick={() => setChoice({ ...choice, [group.key]: !open })}>
                    <span class="tl-arrow" aria-hidden="true" />
                    <GroupName group={group} />
                  </button>
                )}
                <div class="tl-lane">
                  {single && barOf(group.bars[0])}
                  {!single && !open && group.bars.filter((bar) => bar.started !== null || bar.state === 'failed').map((bar) => (
                    <span key={bar.key} class={`tl-mini tl-${bar.state}`} style={place(bar.started ?? bar.scheduled, bar.ended ?? now)} />
                  ))}
                  {open && <span class="tl-extent" style={place(group.from, Math.min(group.to, timeline.to))} />}
                </div>
              </div>
              {open && rows.map((bar) => (
                <div key={bar.key} class="tl-row">
                  <span class="tl-label tl-item" title={bar.id}>
                    {bar.label}
                    {bar.attempt > 1 && <span class="tl-retried" title={`Attempt ${bar.attempt}`}>×{bar.attempt}</span>}
                  </span>
                  <div class="tl-lane">
                    {barOf(bar)}
                  </div>
                </div>
              ))}
              {open && group.bars.length > rows.length && (
                <button type="button" class="tl-plain tl-more" onClick={() => setMore({ ...more, [group.key]: rows.length + 200 })}>
                  Show more of {group.label} ({group.bars.length - rows.length} left)
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function GroupName({ group }: { group: Group }) {
  return (
    <>
      <span class="tl-name">{group.label}</span>
      {group.retries > 0 && <span class="tl-retried" title={`${group.retries} attempts failed and were repeated`}>{group.retries}↻</span>}
      <span class={`tl-count${group.failed > 0 ? ' tl-bad' : ''}`}>{summary(group)}</span>
    </>
  );
}

// What failed is open; what is long, or of little interest, is not.
function defaultOpen(group: Group, narrow: boolean): boolean {
  if (group.failed > 0 || group.bars.some(({ state }) => state === 'retrying')) return true;
  return !narrow && group.key !== 'records' && group.bars.length > 1 && group.bars.length <= 12;
}

function summary(group: Group): string {
  if (group.failed > 0) return `${group.failed} failed`;
  const all = group.bars.length;
  if (group.done < all) return `${group.done} of ${all}`;
  return all > 1 ? `${all} · ${span((group.to - group.from) / 1000)}` : span((group.to - group.from) / 1000);
}

function waitShare(bar: Bar, now: number): number {
  const end = bar.ended ?? now;
  if (bar.started === null) return 100;
  const whole = end - bar.scheduled;
  return whole > 0 ? Math.min(100, Math.max(0, ((bar.started - bar.scheduled) / whole) * 100)) : 0;
}

function describe(bar: Bar, now: number): string {
  const end = bar.ended ?? now;
  const parts = [`${bar.id}: ${kStateText[bar.state].toLowerCase()}`];
  if (bar.attempt > 1) parts.push(`attempt ${bar.attempt}`);
  parts.push(`waited ${span(Math.max(0, (bar.started ?? end) - bar.scheduled) / 1000)}`);
  if (bar.started !== null) parts.push(`ran ${span(Math.max(0, end - bar.started) / 1000)}`);
  if (bar.worker) parts.push(`on ${bar.worker}`);
  if (bar.failure) parts.push(bar.failure.message);
  return parts.join(', ');
}

function useNarrow(): boolean {
  const query = '(max-width: 640px)';
  const [narrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const update = () => setNarrow(media.matches);
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, []);
  return narrow;
}
