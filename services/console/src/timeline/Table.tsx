import { span, timeOfDay } from '../format';
import { kStateText, type Timeline } from './model';

// The same as rows, in order of time.
export function Table({ timeline, now }: { timeline: Timeline; now: number }) {
  const bars = timeline.groups.flatMap(({ bars: own }) => own).sort((a, b) => a.scheduled - b.scheduled || a.key.localeCompare(b.key, 'en', { numeric: true }));
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Activities as a table">
      <table data-testid="timeline-table">
        <caption class="visually-hidden">Activities in the order in which they were scheduled</caption>
        <thead>
          <tr>
            <th scope="col">Activity</th>
            <th scope="col">State</th>
            <th scope="col">Scheduled</th>
            <th scope="col" class="number">Waited</th>
            <th scope="col" class="number">Ran</th>
            <th scope="col" class="number">Attempt</th>
            <th scope="col">Worker</th>
            <th scope="col">Failure</th>
          </tr>
        </thead>
        <tbody>
          {bars.map((bar) => {
            const end = bar.ended ?? now;
            return (
              <tr key={bar.key}>
                <th scope="row" class="nowrap">{bar.id}</th>
                <td class="nowrap">{kStateText[bar.state]}</td>
                <td class="nowrap">{timeOfDay(new Date(bar.scheduled).toISOString())}</td>
                <td class="number nowrap">{span(Math.max(0, (bar.started ?? end) - bar.scheduled) / 1000)}</td>
                <td class="number nowrap">{bar.started === null ? '–' : span(Math.max(0, end - bar.started) / 1000)}</td>
                <td class="number">{bar.attempt}</td>
                <td class="nowrap">{bar.worker || '–'}</td>
                <td>{bar.failure ? `${bar.failure.message} (${bar.failure.code})` : ''}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
