// For operators: the daemons' health, the workers and what they do, the queues.
import { useEffect, useState } from 'preact/hooks';

import { ApiError, get, isAbort } from '../api/client';
import { useLive } from '../api/live';
import type { DaemonHealth, Fleet, Queue, QueueSettings, Worker } from '../api/schema';
import { Badge } from '../components/Badge';
import { EmptyState } from '../components/EmptyState';
import { ErrorNotice } from '../components/ErrorNotice';
import { LiveDot } from '../components/LiveDot';
import { Notice } from '../components/Notice';
import { Loading } from '../components/Skeleton';
import { useTitle } from '../components/useTitle';
import { ago, count, span } from '../format';
import { Link } from '../router';
import './fleet.css';
import { activityOf, concernsOf, limitsOf, verdict, withSettings } from './model';
import { QueueControls } from './QueueControls';

const kAgainMs = 5000;

export default function FleetPage() {
  useTitle('Fleet');
  const [fleet, setFleet] = useState<Fleet | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const live = useLive('/v1/fleet/events', {
    onMessage: (data) => {
      setFleet(data as Fleet);
      setError(null);
    },
  });

  // Once at the beginning, and again and again while the stream is broken.
  useEffect(() => {
    if (live === 'live' && fleet) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = () => {
      get<Fleet>('/v1/fleet', { signal: abort.signal }).then(
        (answer) => {
          setFleet(answer);
          setError(null);
          timer = setTimeout(turn, kAgainMs);
        },
        (problem: unknown) => {
          if (isAbort(problem)) return;
          setError(problem);
          if (!(problem instanceof ApiError) || problem.transient) timer = setTimeout(turn, kAgainMs);
        },
      );
    };
    turn();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [live, round]);

  const concerns = fleet ? concernsOf(fleet) : [];
  return (
    <div class="fleet stack" data-testid="fleet-page">
      <div class="fleet-head">
        <h1 tabIndex={-1}>Fleet</h1>
        <LiveDot state={live} />
      </div>
      {error ? (
        <ErrorNotice title={fleet ? 'The connection is interrupted; this may be old' : 'The fleet cannot be shown'} error={error} onRetry={() => setRound(round + 1)} testid="fleet-error" />
      ) : null}
      {!fleet && !error && <Loading label="Loading the fleet" />}
      {fleet && (
        <>
          <div role="status" class={`fleet-verdict ${concerns.length === 0 ? 'ok' : concerns.some(({ serious }) => serious) ? 'bad' : 'warn'}`} data-testid="fleet-verdict">
            <strong>{verdict(concerns)}</strong>
            <span>{glance(fleet)}</span>
          </div>
          {concerns.map((concern) => (
            <Notice key={concern.key} tone={concern.serious ? 'bad' : 'warn'} title={concern.title} testid="fleet-concern">
              <p>{concern.advice}</p>
            </Notice>
          ))}
          <Daemons daemons={fleet.daemons} />
          <Queues queues={fleet.queues} workers={fleet.workers} onChanged={(settings) => setFleet(withSettings(fleet, settings))} />
          <Workers workers={fleet.workers} broken={fleet.orchestrator_error !== ''} />
        </>
      )}
    </div>
  );
}

function glance({ daemons, workers, queues }: Fleet): string {
  const ready = daemons.filter(({ state }) => state === 'ready').length;
  const waiting = queues.reduce((sum, queue) => sum + queue.ready + queue.delayed, 0);
  const speed = workers.reduce((sum, worker) => sum + worker.encode_speed, 0);
  const running = queues.reduce((sum, queue) => sum + queue.running, 0);
  const work = running > 0 || waiting > 0 ? `${count(running)} running, ${count(waiting)} waiting` : 'nothing to do';
  return `${ready} of ${daemons.length} daemons ready · ${work}${speed > 0 ? ` · encoding at ${speed.toFixed(1)}× realtime` : ''}`;
}

function Daemons({ daemons }: { daemons: DaemonHealth[] }) {
  return (
    <section class="stack" aria-labelledby="fleet-daemons">
      <h2 id="fleet-daemons">Daemons</h2>
      <ul class="daemons">
        {daemons.map((daemon) => (
          <li key={`${daemon.name} ${daemon.address}`} class={`card daemon ${daemon.state}`} data-testid="fleet-daemon" data-state={daemon.state}>
            <div class="row">
              <strong class="grow">{daemon.name}</strong>
              <Badge tone={daemon.state === 'ready' ? 'ok' : daemon.state === 'away' ? 'bad' : 'warn'}>
                {daemon.state === 'ready' ? 'Ready' : daemon.state === 'away' ? 'Away' : 'Not ready'}
              </Badge>
            </div>
            <span class="muted small">{[daemon.address || 'answers this page', daemon.address && daemon.state !== 'away' ? `answers in ${span(daemon.check_seconds)}` : ''].filter(Boolean).join(' · ')}</span>
            {daemon.detail && <span class="small">{daemon.detail}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Queues({ queues, workers, onChanged }: { queues: Queue[]; workers: Worker[]; onChanged(settings: QueueSettings): void }) {
  if (queues.length === 0) return null;
  return (
    <section class="stack" aria-labelledby="fleet-queues">
      <h2 id="fleet-queues">Queues</h2>
      <div class="card scroll-x" tabIndex={0} role="region" aria-label="Table of the queues">
        <table data-testid="fleet-queues">
          <thead>
            <tr>
              <th scope="col">Queue</th>
              <th scope="col"><span class="visually-hidden">Actions</span></th>
              <th scope="col" class="number">Ready</th>
              <th scope="col" class="number">To be retried</th>
              <th scope="col" class="number">Held back</th>
              <th scope="col" class="number">Running</th>
              <th scope="col" class="number">Oldest waits</th>
              <th scope="col" class="number">Work left</th>
              <th scope="col" class="number">Workers</th>
            </tr>
          </thead>
          <tbody>
            {queues.map((queue) => (
              <tr key={queue.name} data-testid="fleet-queue">
                <th scope="row">
                  <span class="queue-name">
                    {queue.name} {queue.paused && <Badge tone="warn" testid="queue-paused">Paused</Badge>}
                    {limitsOf(queue) && <span class="small muted">{limitsOf(queue)}</span>}
                  </span>
                </th>
                <td><QueueControls queue={queue} onChanged={onChanged} /></td>
                <td class="number">{count(queue.ready)}</td>
                <td class="number">{count(queue.delayed)}</td>
                <td class="number"><span title="Of paused videos and tenants">{count(queue.held)}</span></td>
                <td class="number">{count(queue.running)}</td>
                <td class="number nowrap">{queue.ready > 0 ? span(queue.oldest_ready_seconds) : '–'}</td>
                <td class="number nowrap">{queue.estimated_encode_seconds > 0 ? <span title="Estimated seconds of encoding on one core">{span(queue.estimated_encode_seconds)}</span> : '–'}</td>
                <td class="number">{count(workers.filter((worker) => worker.queue === queue.name).length)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Workers({ workers, broken }: { workers: Worker[]; broken: boolean }) {
  return (
    <section class="stack" aria-labelledby="fleet-workers">
      <h2 id="fleet-workers">Workers</h2>
      {workers.length === 0 && !broken && (
        <EmptyState icon="server" title="No worker was heard of within the last minute" heading="h3">
          <p>Videos wait until one runs. Start a transcode worker that can reach the orchestrator.</p>
        </EmptyState>
      )}
      <ul class="workers">
        {workers.map((worker) => <WorkerCard key={`${worker.queue} ${worker.worker_id}`} worker={worker} />)}
      </ul>
    </section>
  );
}

const kMostActivities = 6;

function WorkerCard({ worker }: { worker: Worker }) {
  const slots = Math.max(worker.slots, worker.running);
  return (
    <li class="card worker" data-testid="fleet-worker">
      <div class="row">
        <strong class="grow worker-id">{worker.worker_id}</strong>
        <Badge tone={worker.running > 0 ? 'info' : 'neutral'} busy={worker.running > 0}>{worker.running > 0 ? 'Working' : 'Idle'}</Badge>
      </div>
      <dl class="worker-facts">
        <div><dt>Queue</dt><dd>{worker.queue}</dd></div>
        <div><dt>Encoding</dt><dd>{worker.encode_speed > 0 ? `${worker.encode_speed.toFixed(1)}× realtime` : '–'}</dd></div>
        <div><dt>Heard of</dt><dd>{worker.last_seen ? ago(worker.last_seen) : '–'}</dd></div>
        {worker.version && <div><dt>Version</dt><dd>{worker.version}</dd></div>}
      </dl>
      {slots > 0 && slots <= 64 && (
        <div class="slots">
          <span class="slot-row" aria-hidden="true">{Array.from({ length: slots }, (_, index) => <i key={index} class={index < worker.running ? 'busy' : ''} />)}</span>
          <span class="small muted">{worker.running} of {worker.slots} slots busy</span>
        </div>
      )}
      {worker.activities.length > 0 && (
        <ul class="activities small">
          {worker.activities.slice(0, kMostActivities).map((text) => {
            const { videoId, what } = activityOf(text);
            return <li key={text}>{videoId ? <Link href={`/watch/${encodeURIComponent(videoId)}/timeline`} title={videoId}>{what}</Link> : what}</li>;
          })}
          {worker.activities.length > kMostActivities && <li class="muted">and {worker.activities.length - kMostActivities} more</li>}
        </ul>
      )}
    </li>
  );
}
