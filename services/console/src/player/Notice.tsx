// What lies over the picture: waiting for the first seconds, or something went wrong.
import type { Video } from '../api/schema';
import type { Problem } from './problem';

export function ProblemNotice({ problem, onRetry }: { problem: Problem; onRetry(): void }) {
  return (
    <div class="vp-notice" role="alert" data-testid="player-problem">
      <strong>{problem.title}</strong>
      <span>{problem.advice}</span>
      <button type="button" class="vp-action" onClick={onRetry}>{problem.retrying ? 'Try now' : 'Try again'}</button>
    </div>
  );
}

function wording(video: Video): [string, string] {
  if (video.state === 'FAILED') return ['This video could not be processed', video.failure || 'No reason was given.'];
  if (video.state === 'CANCELLED') return ['Processing was cancelled', 'Nothing of it can be played. Start it again with “Retry”.'];
  const soon = 'It plays here as soon as the first seconds are ready.';
  return video.state === 'CREATED' ? ['Waiting to be processed', soon] : [`Processing, ${video.progress_percent} %`, soon];
}

export function WaitingNotice({ video }: { video: Video }) {
  const [title, advice] = wording(video);
  return (
    <div class="vp-notice" role="status" data-testid="player-waiting">
      <strong>{title}</strong>
      <span>{advice}</span>
    </div>
  );
}
