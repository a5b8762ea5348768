// How processing ended when it did not end well, and warnings.
import { isRunning } from '../api/running';
import type { Video } from '../api/schema';
import { Notice } from '../components/Notice';
import { Link } from '../router';
import { adviceFor } from './advice';

export function Outcome({ video }: { video: Video }) {
  const failed = video.renditions.filter(({ state }) => state === 'FAILED');
  return (
    <>
      {video.state === 'FAILED' && (
        <Notice tone="bad" title="This video could not be processed" testid="failure">
          <p data-testid="failure-reason">{video.failure || 'No reason was given.'}</p>
          <p>
            {adviceFor(video.failure_code)} <Link href={`/watch/${video.video_id}/timeline`}>See the timeline</Link>
          </p>
          {video.failure_code && <p class="small">Code: <code>{video.failure_code}</code></p>}
        </Notice>
      )}
      {video.import && !video.import.done && isRunning(video) && (
        <Notice tone={video.import.problem ? 'warn' : 'info'} title={`The file is being brought in: ${video.import.progress_percent} %`} testid="import-progress">
          {video.import.problem && <p>It waits: {video.import.problem}</p>}
        </Notice>
      )}
      {video.state === 'CANCELLED' && (
        <Notice tone="info" title="Processing was cancelled" testid="cancelled">
          <p>Retry goes on where it stopped.</p>
        </Notice>
      )}
      {video.state !== 'FAILED' && failed.length > 0 && (
        <Notice tone="warn" title={`${failed.map(({ name }) => name).join(', ')} failed; the rest can be watched`} testid="partial-failure">
          {failed.map(({ name, failure }) => (
            <p key={name}>
              {name}: {failure || 'no reason was given'}
            </p>
          ))}
        </Notice>
      )}
      {video.warnings.length > 0 && (
        <Notice tone="warn" title={video.warnings.length === 1 ? 'A warning about this file' : 'Warnings about this file'} testid="warnings">
          <ul>
            {video.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}
