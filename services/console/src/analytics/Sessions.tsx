// The views of a video, newest first, each with its story.
import { useEffect, useState } from 'preact/hooks';

import { get, isAbort, messageOf } from '../api/client';
import type { Session, SessionPage } from '../api/schema';
import { Badge } from '../components/Badge';
import { Button } from '../components/Button';
import { ago, count, date, duration as clock, span } from '../format';
import { SessionDrawer } from './SessionDrawer';
import { useNumbers } from './useNumbers';

const kPage = 20;
const kLiveMs = 30_000;

export function Sessions({ videoId, seconds }: { videoId: string; seconds: number }) {
  const path = `/v1/videos/${encodeURIComponent(videoId)}/sessions`;
  const { data } = useNumbers<SessionPage>(path, seconds, { page_size: kPage });
  const [older, setOlder] = useState<{ sessions: Session[]; next: string; from: string } | null>(null);
  const [loading, setLoading] = useState(false);
  const [problem, setProblem] = useState('');
  const [open, setOpen] = useState<string | null>(null);
  useEffect(() => setOlder(null), [path, seconds]);

  const first = data?.sessions ?? [];
  const known = new Set(first.map((session) => session.session_id));
  const sessions = [...first, ...(older?.sessions ?? []).filter((session) => !known.has(session.session_id))];
  const next = older ? older.next : (data?.next_page_token ?? '');

  const more = () => {
    const from = older?.from ?? new Date(Date.now() - seconds * 1000).toISOString();
    setLoading(true);
    get<SessionPage>(path, { query: { page_size: kPage, page_token: next, from } })
      .then((page) => {
        setOlder({ sessions: [...(older?.sessions ?? []), ...page.sessions], next: page.next_page_token, from });
        setProblem('');
      })
      .catch((error: unknown) => !isAbort(error) && setProblem(messageOf(error)))
      .finally(() => setLoading(false));
  };

  if (sessions.length === 0) return null;
  return (
    <section class="card" data-testid="sessions">
      <div class="card-head padded-head"><h3>Views</h3></div>
      <div class="scroll-x" tabIndex={0} role="region" aria-label="Views">
        <table class="sessions">
          <thead>
            <tr>
              <th scope="col">Began</th>
              <th scope="col" class="number">Watched</th>
              <th scope="col" class="number">Left at</th>
              <th scope="col" class="number">Startup</th>
              <th scope="col" class="number">Stalls</th>
              <th scope="col">Qualities</th>
              <th scope="col">State</th>
              <th scope="col"><span class="visually-hidden">Details</span></th>
            </tr>
          </thead>
          <tbody>
            {sessions.map((session) => (
              <tr key={session.session_id} data-testid="session-row">
                <td class="nowrap"><time dateTime={session.started_at} title={date(session.started_at)}>{ago(session.started_at)}</time></td>
                <td class="number nowrap">{span(session.watch_seconds)}</td>
                <td class="number">{clock(session.exit_seconds)}</td>
                <td class="number nowrap">{session.startup_seconds > 0 ? span(session.startup_seconds) : '–'}</td>
                <td class="number nowrap">{session.stalls > 0 ? `${count(session.stalls)} (${span(session.stall_seconds)})` : '0'}</td>
                <td>{qualities(session)}</td>
                <td><SessionState session={session} /></td>
                <td class="number">
                  <Button variant="plain" onClick={() => setOpen(session.session_id)} testid="session-open" aria-label={`Details of the view of ${date(session.started_at)}`}>Details</Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {problem && <p class="padded-head small" role="alert">{problem}</p>}
      {next && <div class="padded-head"><Button busy={loading} onClick={more} testid="sessions-more">Show older views</Button></div>}
      {open && <SessionDrawer sessionId={open} videoId={videoId} onClose={() => setOpen(null)} />}
    </section>
  );
}

// Audio and captions are no qualities to choose.
export const qualities = (session: Session): string => session.renditions.filter((name) => !/^(audio|subs)/.test(name)).join(', ') || '–';

export function SessionState({ session }: { session: Session }) {
  if (session.errors > 0) return <Badge tone="bad">{session.errors === 1 ? '1 error' : `${session.errors} errors`}</Badge>;
  const recent = session.last_seen_at !== undefined && Date.now() - Date.parse(session.last_seen_at) < kLiveMs;
  if (!session.ended && recent) return <Badge tone="ok" busy>Watching</Badge>;
  return session.lost_events > 0 ? <Badge tone="warn">{`${count(session.lost_events)} events lost`}</Badge> : <Badge>{session.ended ? 'Ended' : 'Left'}</Badge>;
}
