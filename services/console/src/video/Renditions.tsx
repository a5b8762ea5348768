import { isRunning } from '../api/running';
import type { Rendition, Video } from '../api/schema';
import { StateBadge, type Tone } from '../components/Badge';
import { ProgressBar } from '../components/ProgressBar';
import { Skeleton } from '../components/Skeleton';
import { bitrate } from '../format';

const tones: Partial<Record<Rendition['state'], Tone>> = { DONE: 'ok', FAILED: 'bad', RETRYING: 'warn', PENDING: 'neutral' };

// Pictures from the largest to the smallest, then audio.
const inOrder = (renditions: Rendition[]) => [...renditions].sort((a, b) => b.height - a.height || a.name.localeCompare(b.name));

export function Renditions({ video }: { video: Video }) {
  if (video.renditions.length === 0) {
    return isRunning(video) ? (
      <div class="renditions-wait stack" role="status">
        <span class="muted">{video.state === 'CREATED' ? 'Waiting to be processed…' : 'Looking at the file…'}</span>
        <Skeleton />
        <Skeleton width="80%" />
      </div>
    ) : (
      <p class="renditions-wait muted">There are none.</p>
    );
  }
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label="Table of renditions">
      <table class="renditions" data-testid="renditions">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Progress</th>
            <th scope="col">Picture</th>
            <th scope="col" class="number">Bit rate</th>
            <th scope="col">Codec</th>
          </tr>
        </thead>
        <tbody>
          {inOrder(video.renditions).map((rendition) => (
            <Row key={rendition.name} rendition={rendition} stopped={!isRunning(video)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

// `stopped`: nobody works on the video any more.
function Row({ rendition, stopped }: { rendition: Rendition; stopped: boolean }) {
  const { name, state, height, width, frame_rate, retries, failure } = rendition;
  const percent = state === 'DONE' ? 100 : rendition.progress_percent;
  return (
    <tr data-testid="rendition" data-name={name} data-state={state}>
      <th scope="row" class="rendition-name">{height > 0 ? name : rendition.label || `Audio (${name})`}</th>
      <td>
        <StateBadge state={stopped && state !== 'DONE' && state !== 'FAILED' ? 'CANCELLED' : state} />
        {retries > 0 && <div class="small muted">{retries === 1 ? '1 retry' : `${retries} retries`}</div>}
        {failure && <div class="small rendition-failure">{failure}</div>}
      </td>
      <td class="rendition-progress">
        <ProgressBar value={percent} tone={tones[state] ?? 'info'} label={`Progress of ${name}`} />
        <span class="small muted nowrap">
          {state === 'DONE' ? `${rendition.segments_total} segments` : `${percent} %`}
          {state !== 'DONE' && rendition.segments_total > 0 && ` · ${rendition.segments_done} of ${rendition.segments_total}`}
        </span>
      </td>
      <td class="nowrap">{height > 0 ? `${width} × ${height}${frame_rate > 0 ? `, ${Number(frame_rate.toFixed(2))} fps` : ''}` : '–'}</td>
      <td class="number nowrap" title={`peak ${bitrate(rendition.bandwidth)}`}>{bitrate(rendition.average_bandwidth || rendition.bandwidth)}</td>
      <td><code>{rendition.codecs || '–'}</code></td>
    </tr>
  );
}
