import { date, span, timeOfDay } from '../format';
import type { FailedAttempt } from '../api/schema';
import { kStateText, type Bar } from './model';

const clock = (ms: number | null) => (ms === null ? '–' : timeOfDay(new Date(ms).toISOString()));

const kOutcomes: Record<string, string> = { FAILED: 'failed', TIMED_OUT: 'took too long', LOST: 'was lost with its worker', CANCELED: 'was cancelled', SUPERSEDED: 'was stopped, as another one ended first', SECOND_FAILED: 'failed beside another one that went on' };

// Of two attempts at the same time, so of the number of the one that ended the activity.
const kBeside = ['SUPERSEDED', 'SECOND_FAILED'];

function titleOf({ attempt, outcome, worker_id, started_time, ended_time }: FailedAttempt): string {
  const when = started_time && ended_time ? `, ${timeOfDay(started_time)} to ${timeOfDay(ended_time)}` : '';
  return `Attempt ${attempt} ${kOutcomes[outcome] ?? outcome}${worker_id ? ` on ${worker_id}` : ''}${when}`;
}

// Everything about one activity.
export function Details({ bar, now, pinned, onClose, onRetryNow }: { bar: Bar; now: number; pinned: boolean; onClose(): void; onRetryNow: (() => void) | null }) {
  const end = bar.ended ?? now;
  const facts: [string, string][] = [
    ['State', bar.progress !== null && bar.state === 'running' ? `${kStateText[bar.state]}, ${Math.round(bar.progress * 100)} %` : kStateText[bar.state]],
    ['Activity', `${bar.id} (${bar.type})`],
    ['Attempt', bar.attempt > 1 ? `${bar.attempt} (${bar.attempt - 1} failed before)` : String(bar.attempt)],
    ['Worker', [bar.worker || '–', ...(bar.second ? [`and ${bar.second}, as the first is slow`] : [])].join(' ')],
    ['Queue', bar.queue || '–'],
    ['Waited', span(Math.max(0, (bar.started ?? end) - bar.scheduled) / 1000)],
    ['Ran', bar.started === null ? '–' : span(Math.max(0, end - bar.started) / 1000)],
    ['Scheduled', clock(bar.scheduled)],
    ['Started', clock(bar.started)],
    ['Ended', clock(bar.ended)],
  ];
  if (bar.state === 'retrying' && bar.nextAttempt !== null) facts.push(['Next attempt', clock(bar.nextAttempt)]);
  return (
    <div class="tl-details" data-testid="timeline-details">
      <div class="tl-details-head">
        <h3>{bar.group.startsWith('track:') ? `${bar.group.slice(6)}, ${bar.label.toLowerCase()}` : bar.label}</h3>
        {pinned && bar.state === 'retrying' && onRetryNow && <button type="button" class="tl-plain" onClick={onRetryNow} data-testid="retry-activity-now">Retry now</button>}
        {pinned && <button type="button" class="tl-plain" onClick={onClose}>Close</button>}
      </div>
      <dl title={date(new Date(bar.scheduled).toISOString())}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {bar.failure && bar.ended !== null && <FailureText title="Why it failed" {...bar.failure} />}
      {bar.earlier.filter(({ attempt, outcome }) => attempt < bar.attempt || bar.ended === null || kBeside.includes(outcome)).map((attempt) => (
        <FailureText key={`${attempt.attempt}/${attempt.worker_id}/${attempt.ended_time}`} title={titleOf(attempt)}
          {...(attempt.failure ?? { code: '', message: '' })} />
      ))}
    </div>
  );
}

function FailureText({ title, code, message, details }: { title: string; code: string; message: string; details?: string }) {
  return (
    <div class="tl-failure">
      <strong>{title}</strong>
      <p>{message || 'No message was given.'} <code>{code}</code></p>
      {details && <pre tabIndex={0} aria-label="Details of the failure">{details}</pre>}
    </div>
  );
}
