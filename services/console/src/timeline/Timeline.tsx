// What was done for a video, when, and by whom: the newest run of its workflow as bars over time.
import { useEffect, useState } from 'preact/hooks';

import type { Video, Workflow } from '../api/schema';
import { Button } from '../components/Button';
import { EmptyState } from '../components/EmptyState';
import { ErrorNotice } from '../components/ErrorNotice';
import { Notice } from '../components/Notice';
import { Loading } from '../components/Skeleton';
import { date, span } from '../format';
import { may } from '../session/access';
import { session } from '../session/session';
import { Chart } from './Chart';
import { Controls, retryNow } from './Controls';
import { Details } from './Details';
import { buildTimeline, type Bar, type Timeline as Model } from './model';
import { Table } from './Table';
import './timeline.css';
import { useHistory } from './useHistory';

const kTickMs = 500;
const kZooms = [1, 2, 4, 8, 16, 32];

export function Timeline({ video }: { video: Video }) {
  const { loaded, error, none, now: clock, reload } = useHistory(video);
  const running = loaded?.workflow.status === 'RUNNING';
  const now = useNow(running, clock);
  const [zoom, setZoom] = useState(0);
  const [asTable, setAsTable] = useState(false);
  const [shownKey, setShown] = useState<string | null>(null);
  const [pinnedKey, setPinned] = useState<string | null>(null);

  if (!loaded) {
    if (none) {
      return (
        <section data-testid="timeline">
          <EmptyState icon="clock" title="Nothing has been done yet" heading="h2">
            <p>Processing has not begun. The steps appear here as soon as it does.</p>
          </EmptyState>
        </section>
      );
    }
    if (error) return <ErrorNotice title="The timeline cannot be loaded" error={error} onRetry={reload} testid="timeline-error" />;
    return <Loading label="Loading the timeline" />;
  }

  const timeline = buildTimeline(loaded.workflow, loaded.events, loaded.pending, loaded.failed, now);
  const bars = timeline.groups.flatMap((group) => group.bars);
  const find = (key: string | null) => bars.find((bar) => bar.key === key) ?? null;
  const shown = find(pinnedKey) ?? find(shownKey);
  const failed = bars.filter(({ state }) => state === 'failed');
  return (
    <section class="tl stack" data-testid="timeline" aria-label="Timeline">
      <h2 class="visually-hidden">Timeline</h2>
      <div class="tl-top">
        <p class="tl-summary grow" data-testid="timeline-summary">{summary(loaded.workflow, timeline)}</p>
        <div class="row">
          {!asTable && (
            <div class="tl-zoom" role="group" aria-label="Zoom">
              <button type="button" onClick={() => setZoom(Math.max(0, zoom - 1))} disabled={zoom === 0} aria-label="Zoom out">−</button>
              <button type="button" onClick={() => setZoom(0)} disabled={zoom === 0}>Fit</button>
              <button type="button" onClick={() => setZoom(Math.min(kZooms.length - 1, zoom + 1))} disabled={zoom === kZooms.length - 1} aria-label="Zoom in">+</button>
            </div>
          )}
          {running && may(session, 'write') && (
            <Controls videoId={video.video_id} workflow={loaded.workflow} retrying={timeline.counts.retrying} onChanged={reload} />
          )}
          <Button icon={asTable ? 'chart' : 'list'} onClick={() => setAsTable(!asTable)} testid="timeline-as-table">
            {asTable ? 'Show bars' : 'Show table'}
          </Button>
        </div>
      </div>
      {error ? <p class="muted small" role="status">The connection is interrupted; this may be a little old.</p> : null}
      {loaded.workflow.paused && <Paused workflow={loaded.workflow} />}
      {loaded.workflow.stuck_reason && <Notice tone="bad" title="This run is parked">{<p class="tl-reason">{loaded.workflow.stuck_reason}</p>}</Notice>}
      {failed.map((bar) => (
        <Notice key={bar.key} tone="bad" title={`${bar.id} failed${bar.attempt > 1 ? ` after ${bar.attempt} attempts` : ''}`} testid="timeline-failure">
          <p>
            {bar.failure?.message ?? 'No reason was given.'} {bar.worker && <span class="muted">Run by {bar.worker}.</span>}
          </p>
        </Notice>
      )).slice(0, 3)}
      <div class="card tl-card">
        {asTable ? <Table timeline={timeline} now={now} /> : (
          <Chart timeline={timeline} now={now} zoom={kZooms[zoom]} active={shown?.key ?? null} pinned={pinnedKey} onShow={(bar: Bar | null) => setShown(bar?.key ?? null)}
            onPin={(bar: Bar | null) => setPinned(bar?.key ?? null)} />
        )}
        {!asTable && (
          <div class="tl-foot">
            {shown ? (
              <Details bar={shown} now={now} pinned={pinnedKey === shown.key} onClose={() => setPinned(null)}
                onRetryNow={running && may(session, 'write') ? () => void retryNow(video.video_id, { scheduled_event_id: shown.event }, reload) : null} />
            ) : <Legend />}
          </div>
        )}
      </div>
    </section>
  );
}

function Paused({ workflow }: { workflow: Workflow }) {
  const facts = [workflow.paused_time && `since ${date(workflow.paused_time)}`, workflow.paused_by && `by ${workflow.paused_by}`].filter(Boolean);
  return (
    <Notice tone="warn" title="Processing is paused" testid="timeline-paused">
      <p class="tl-reason">{[facts.join(' '), workflow.pause_reason].filter(Boolean).join(': ')}</p>
    </Notice>
  );
}

function Legend() {
  return (
    <div class="tl-legend">
      <span><i class="tl-key tl-key-wait" />waiting for a worker</span>
      <span><i class="tl-key tl-key-run" />running</span>
      <span><i class="tl-key tl-key-done" />done</span>
      <span><i class="tl-key tl-key-failed" />failed or retried</span>
      <span class="muted">Point at a bar, or select it, to see who ran it and how long it took.</span>
    </div>
  );
}

function summary(workflow: Workflow, { from, to, counts }: Model): string {
  const long = span((to - from) / 1000);
  const all = Object.values(counts).reduce((sum, one) => sum + one, 0);
  switch (workflow.status) {
    case 'RUNNING': {
      const rest = [counts.running && `${counts.running} running`, counts.retrying && `${counts.retrying} waiting to be retried`, counts.waiting && `${counts.waiting} waiting`];
      return `${workflow.paused ? 'Begun' : 'Running for'} ${long}${workflow.paused ? ' ago, and paused' : ''}: ${[`${counts.done} of ${all} activities done`, ...rest.filter(Boolean)].join(', ')}.${workflow.cancel_requested ? ' It was asked to stop.' : ''}`;
    }
    case 'COMPLETED':
      return `Done in ${long}: ${all} activities${counts.failed > 0 ? `, of which ${counts.failed} failed` : ''}.`;
    case 'FAILED':
      return `Failed after ${long}: ${workflow.failure?.message || 'no reason was given'}.`.replace(/\.\.$/, '.');
    case 'CANCELED':
      return `Cancelled after ${long}; ${counts.done} of ${all} activities were done.`;
    default:
      return `Ended after ${long} (${workflow.status.toLowerCase().replace('_', ' ')}).`;
  }
}

// The present moment; it stands still when nothing runs.
function useNow(running: boolean, clock: () => number): number {
  const [now, setNow] = useState(clock);
  useEffect(() => {
    setNow(clock());
    if (!running) return undefined;
    const timer = setInterval(() => setNow(clock()), kTickMs);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
