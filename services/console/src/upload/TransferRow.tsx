import { useState } from 'preact/hooks';

import { isRunning } from '../api/running';
import { StateBadge } from '../components/Badge';
import { IconButton } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { Icon } from '../components/Icon';
import { ProgressBar } from '../components/ProgressBar';
import { bytes, percent, span } from '../format';
import { Link } from '../router';
import { uploads } from './queue';
import type { Transfer } from './transfer';

function statusText(transfer: Transfer): string {
  const { phase, file, sent, checked } = transfer;
  const done = file.size > 0 ? sent / file.size : 0;
  switch (phase) {
    case 'queued':
    case 'ready':
      return sent > 0 ? `Waiting, ${percent(done)} sent` : 'Waiting for its turn';
    case 'checking':
      return `Computing the checksum, ${percent(checked / file.size)}`;
    case 'uploading': {
      if (transfer.interrupted) return `Connection lost at ${percent(done)}, trying again…`;
      const rate = uploads.rate(transfer);
      const parts = [`${bytes(sent)} of ${bytes(file.size)}`];
      if (rate.bytesPerSecond > 0) parts.push(`${bytes(rate.bytesPerSecond)}/s`, `${span(Math.max(1, rate.secondsLeft(file.size - sent)))} left`);
      return parts.join(' · ');
    }
    case 'paused':
      return `Paused at ${percent(done)}`;
    case 'offline':
      return `No network. Goes on by itself (${percent(done)} sent)`;
    case 'signed-out':
      return `Goes on when somebody signs in (${percent(done)} sent)`;
    case 'finishing':
      return 'Verifying the checksum…';
    default:
      return bytes(file.size);
  }
}

export function TransferRow({ transfer, rerender }: { transfer: Transfer; rerender: () => void }) {
  const [asking, setAsking] = useState(false);
  const { phase, file, video, problem } = transfer;
  const done = file.size > 0 ? (transfer.sent / file.size) * 100 : 0;
  const running = phase === 'queued' || phase === 'ready' || phase === 'checking' || phase === 'uploading' || phase === 'offline' || phase === 'signed-out';
  const bad = phase === 'failed' || video?.state === 'FAILED';
  const cancel = () => {
    setAsking(false);
    void uploads.remove(transfer);
  };
  return (
    <li class="transfer" data-testid="transfer" data-phase={phase}>
      <span class={`transfer-icon ${bad ? 'failed' : phase}`}>
        <Icon name={bad ? 'alert' : phase === 'done' ? 'check' : 'film'} />
      </span>
      <div class="transfer-main">
        <div class="row">
          <span class="transfer-name" title={file.name}>{file.name}</span>
          {video && <StateBadge state={video.state} testid="transfer-state" />}
        </div>
        {phase !== 'done' && phase !== 'failed' && (
          <ProgressBar
            value={phase === 'checking' ? (transfer.checked / file.size) * 100 : done}
            tone={phase === 'paused' || phase === 'checking' || phase === 'offline' || phase === 'signed-out' ? 'neutral' : 'info'}
            label={`${phase === 'checking' ? 'Checksum' : 'Upload'} of ${file.name}`}
            valueText={statusText(transfer)}
            indeterminate={phase === 'finishing'}
            testid="transfer-progress"
          />
        )}
        {video && isRunning(video) && <ProgressBar value={video.progress_percent} label={`Processing of ${file.name}`} tone="ok" testid="processing-progress" />}
        {problem ? (
          <p class="small" role="alert">
            <strong class="bad-text">{problem.message}</strong> {problem.advice}
          </p>
        ) : video?.state === 'FAILED' ? (
          <p class="small bad-text">{video.failure || 'Processing failed.'}</p>
        ) : (
          <p class="small muted" data-testid="transfer-status">
            {statusText(transfer)}
            {transfer.resumedFrom > 0 && phase === 'uploading' && ` · resumed at ${bytes(transfer.resumedFrom)}`}
            {video && isRunning(video) && ` · processing, ${video.progress_percent} %`}
          </p>
        )}
      </div>
      <div class="transfer-actions">
        {running && <IconButton icon="pause" label={`Pause ${file.name}`} testid="pause" onClick={() => transfer.pause()} />}
        {phase === 'paused' && <IconButton icon="play" label={`Resume ${file.name}`} testid="resume" onClick={() => uploads.resume(transfer)} />}
        {phase === 'failed' && problem?.again !== 'never' && (
          <IconButton icon="retry" label={`Try ${file.name} again`} testid="again" onClick={() => uploads.resume(transfer)} />
        )}
        {(running || phase === 'paused') && (
          <IconButton icon="close" label={`Cancel ${file.name}`} testid="cancel" onClick={() => (transfer.sent > 0 ? setAsking(true) : cancel())} />
        )}
        {(phase === 'failed' || phase === 'done') && !video && <IconButton icon="close" label={`Remove ${file.name} from the list`} onClick={cancel} />}
        {video && (
          <Link class="button secondary" href={`/watch/${video.video_id}`} data-testid="open-video" aria-label={`Open the video ${video.title}`}>
            Open
          </Link>
        )}
      </div>
      {asking && (
        <Dialog
          title="Cancel this upload?"
          testid="cancel-dialog"
          onClose={() => {
            setAsking(false);
            rerender();
          }}
          confirm={{ label: 'Cancel the upload', danger: true, onConfirm: cancel }}
        >
          <p>
            {bytes(transfer.sent)} of <strong>{file.name}</strong> are on the server and will be deleted.
          </p>
        </Dialog>
      )}
    </li>
  );
}

