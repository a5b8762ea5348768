// One view in full: what it was like, why it stalled, and every event.
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { get, isAbort } from '../api/client';
import type { SessionDetail, SessionEvent, StallCause } from '../api/schema';
import { Badge, type Tone } from '../components/Badge';
import { IconButton } from '../components/Button';
import { ErrorNotice } from '../components/ErrorNotice';
import { Loading } from '../components/Skeleton';
import { bitrate, bytes, count, date, duration as clock, span, timeOfDay } from '../format';

const kCauses: Record<StallCause, { text: string; tone: Tone }> = {
  ORIGIN: { text: 'Object store', tone: 'bad' },
  CACHE: { text: 'Cache', tone: 'warn' },
  NETWORK: { text: 'Network', tone: 'info' },
  PLAYER: { text: 'Player', tone: 'neutral' },
  UNSPECIFIED: { text: 'Unknown', tone: 'neutral' },
};

const kEvents: Record<string, string> = {
  play: 'Play', pause: 'Pause', seek: 'Seek', segment_fetched: 'Segment fetched', watch_time: 'Watched', bitrate_selected: 'Quality chosen',
  stall: 'Stall', error: 'Error', ended: 'Ended', delivery: 'Delivered by us',
};

export function SessionDrawer({ sessionId, videoId, onClose }: { sessionId: string; videoId: string; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [detail, setDetail] = useState<SessionDetail | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const [all, setAll] = useState(false);

  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    const abort = new AbortController();
    get<SessionDetail>(`/v1/sessions/${encodeURIComponent(sessionId)}`, { query: { video_id: videoId }, signal: abort.signal })
      .then((answer) => {
        setDetail(answer);
        setError(null);
      })
      .catch((problem: unknown) => !isAbort(problem) && setError(problem));
    return () => abort.abort();
  }, [sessionId, round]);

  return (
    <dialog ref={dialog} class="drawer" aria-labelledby={title} data-testid="session-drawer"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}>
      <div class="drawer-body stack">
        <div class="drawer-head">
          <h2 id={title}>View of {date(detail?.session.started_at)}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} testid="drawer-close" />
        </div>
        {error ? <ErrorNotice title="This view cannot be shown" error={error} onRetry={() => setRound(round + 1)} /> : null}
        {!detail && !error && <Loading label="Loading the view" />}
        {detail && <Facts detail={detail} />}
        {detail && <Stalls detail={detail} />}
        {detail && <Events detail={detail} all={all} onAll={() => setAll(!all)} />}
      </div>
    </dialog>
  );
}

function Facts({ detail: { session } }: { detail: SessionDetail }) {
  if (!session) return null;
  const facts: [string, string][] = [
    ['Watched', span(session.watch_seconds)],
    ['Startup', session.startup_seconds > 0 ? span(session.startup_seconds) : '–'],
    ['Left at', clock(session.exit_seconds)],
    ['Stalled', session.stalls > 0 ? `${count(session.stalls)} ${session.stalls === 1 ? 'stall' : 'stalls'}, ${span(session.stall_seconds)}` : 'never'],
    ['Qualities', session.renditions.filter((name) => !/^(audio|subs)/.test(name)).join(', ') || '–'],
    ['Events', session.lost_events > 0 ? `${count(session.events)}, ${count(session.lost_events)} lost` : count(session.events)],
    ['Last heard of', date(session.last_seen_at)],
    ['Session', session.session_id],
  ];
  return (
    <dl class="view-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Stalls({ detail }: { detail: SessionDetail }) {
  if (detail.stalls.length === 0) return <p class="muted" data-testid="no-stalls">Playback never stood still.</p>;
  return (
    <section class="stack">
      <h3>Why it stood still</h3>
      <ul class="stalls" data-testid="stalls">
        {detail.stalls.map((stall, index) => {
          const cause = kCauses[stall.cause] ?? kCauses.UNSPECIFIED;
          return (
            <li key={index}>
              <span class="nowrap">at {clock(stall.position_seconds)}, {span(stall.duration_seconds)}</span>
              <Badge tone={cause.tone}>{cause.text}</Badge>
              <span class="grow">{stall.reason || 'Not enough is known to say why.'}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const isFetch = (event: SessionEvent) => event.type === 'segment_fetched' || event.type === 'delivery';

function Events({ detail, all, onAll }: { detail: SessionDetail; all: boolean; onAll(): void }) {
  const shown = all ? detail.events : detail.events.filter((event) => !isFetch(event));
  return (
    <section class="stack">
      <div class="card-head">
        <h3>Events</h3>
        <label class="small check"><input type="checkbox" checked={all} onChange={onAll} /> with segments</label>
      </div>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Events">
        <table class="events" data-testid="session-events">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col" class="number">At</th>
              <th scope="col" class="number">Took</th>
              <th scope="col">What</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((event, index) => (
              <tr key={index} class={event.type === 'error' || event.type === 'stall' ? 'bad' : ''}>
                <td class="nowrap">{timeOfDay(event.player_time ?? event.time)}</td>
                <td class="nowrap">{kEvents[event.type] ?? event.type}</td>
                <td class="number">{event.type === 'delivery' ? '' : clock(event.position_seconds)}</td>
                <td class="number nowrap">{event.duration_seconds > 0 ? span(event.duration_seconds) : ''}</td>
                <td>{what(event)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {detail.more_events && <p class="muted small">Only the first {count(detail.events.length)} events are shown.</p>}
    </section>
  );
}

function what(event: SessionEvent): string {
  const parts: string[] = [];
  if (event.type === 'delivery') {
    parts.push(event.object, event.cache);
    if (event.origin_seconds > 0) parts.push(`object store ${span(event.origin_seconds)}`);
    if (event.status >= 400) parts.push(`HTTP ${event.status}`);
  } else {
    if (event.rendition) parts.push(event.segment_index >= 0 && event.type === 'segment_fetched' ? `${event.rendition}, segment ${event.segment_index}` : event.rendition);
    if (event.type === 'bitrate_selected' && event.bitrate > 0) parts.push(bitrate(event.bitrate));
    if (event.error_code) parts.push(event.error_code);
  }
  if (event.bytes > 0) parts.push(bytes(event.bytes));
  return parts.filter(Boolean).join(' · ');
}
