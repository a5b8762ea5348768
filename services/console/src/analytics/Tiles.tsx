import type { Totals } from '../api/schema';
import { count, percent, span } from '../format';

interface Tile {
  name: string;
  value: string;
  note?: string;
  bad?: boolean;
  live?: boolean;
  testid: string;
}

const kManyStalls = 0.02; // of the time; above it viewers complain

// `ends`: where videos end is known, so that watching to the end can be told.
function tilesOf(totals: Totals, now: number, ends: boolean): Tile[] {
  const tiles: Tile[] = [
    { name: 'Watching now', value: count(now), live: now > 0, testid: 'tile-viewers-now' },
    { name: 'Views', value: count(totals.views), note: `${count(totals.unique_viewers)} ${totals.unique_viewers === 1 ? 'viewer' : 'viewers'}`, testid: 'tile-views' },
    { name: 'Watch time', value: span(totals.watch_seconds), note: `${span(totals.average_watch_seconds)} per view`, testid: 'tile-watch-time' },
    { name: 'Watched to the end', value: percent(totals.completion_ratio), testid: 'tile-completion' },
    {
      name: 'Startup', value: totals.median_startup_seconds > 0 ? span(totals.median_startup_seconds) : '–', testid: 'tile-startup',
      note: totals.p95_startup_seconds > 0 ? `95 % within ${span(totals.p95_startup_seconds)}` : 'not measured yet',
    },
    {
      name: 'Stalled', value: percent(totals.rebuffer_ratio), bad: totals.rebuffer_ratio > kManyStalls, testid: 'tile-rebuffer',
      note: `${count(totals.stalls)} ${totals.stalls === 1 ? 'stall' : 'stalls'}, ${span(totals.stall_seconds)}`,
    },
    { name: 'Views with errors', value: count(totals.views_with_errors), bad: totals.views_with_errors > 0, testid: 'tile-errors' },
    { name: 'Lost events', value: count(totals.lost_events), note: `of ${count(totals.events + totals.lost_events)}`, bad: totals.lost_events > 0, testid: 'tile-lost' },
  ];
  return tiles.filter(({ testid }) => ends || testid !== 'tile-completion');
}

export function Tiles({ totals, now, ends = true }: { totals: Totals; now: number; ends?: boolean }) {
  return (
    <dl class="tiles" data-testid="tiles">
      {tilesOf(totals, now, ends).map((tile) => (
        <div key={tile.name} class={`tile${tile.bad ? ' bad' : ''}`} data-testid={tile.testid}>
          <dt>{tile.name}{tile.live && <span class="tile-live" aria-hidden="true" />}</dt>
          <dd>
            <span class="tile-value">{tile.value}</span>
            {tile.note && <span class="tile-note">{tile.note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
