// What can be done with a video; each asks before it destroys something.
import { useState } from 'preact/hooks';

import { messageOf, send } from '../api/client';
import { isRunning } from '../api/running';
import type { Video } from '../api/schema';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { toast } from '../components/Toast';
import { navigate } from '../router';

interface Props {
  video: Video;
  editing: boolean;
  onChanged(video: Video): void;
  onEdit(): void;
}

type Asked = 'delete' | 'cancel' | null;

export const canRetry = (video: Video): boolean =>
  video.state === 'FAILED' || video.state === 'CANCELLED' || (!isRunning(video) && video.renditions.some(({ state }) => state === 'FAILED'));

export function Actions({ video, editing, onChanged, onEdit }: Props) {
  const [asked, setAsked] = useState<Asked>(null);
  const [busy, setBusy] = useState('');
  const path = `/v1/videos/${video.video_id}`;

  const run = async (name: string, work: () => Promise<void>) => {
    setBusy(name);
    try {
      await work();
      setAsked(null);
    } catch (error) {
      setAsked(null);
      toast(messageOf(error), 'bad');
    }
    setBusy('');
  };
  const retry = () =>
    run('retry', async () => {
      onChanged(await send<Video>('POST', `${path}/retry`));
      toast('Processing again; what was finished is kept.');
    });
  const cancel = () =>
    run('cancel', async () => {
      onChanged(await send<Video>('POST', `${path}/cancel`));
      toast('Processing is being cancelled.');
    });
  const remove = () =>
    run('delete', async () => {
      await send<void>('DELETE', path);
      toast(`“${video.title}” was deleted.`);
      navigate('/');
    });

  return (
    <div class="row actions">
      {!editing && (
        <Button icon="edit" onClick={onEdit} testid="edit">
          Edit
        </Button>
      )}
      {canRetry(video) && (
        <Button icon="retry" busy={busy === 'retry'} onClick={() => void retry()} testid="retry">
          Retry
        </Button>
      )}
      {isRunning(video) && (
        <Button icon="stop" onClick={() => setAsked('cancel')} testid="cancel-processing">
          Cancel
        </Button>
      )}
      <Button variant="danger" icon="trash" onClick={() => setAsked('delete')} testid="delete">
        Delete
      </Button>
      {asked === 'delete' && (
        <Dialog
          title="Delete this video?"
          testid="delete-dialog"
          onClose={() => setAsked(null)}
          confirm={{ label: 'Delete', danger: true, busy: busy === 'delete', onConfirm: () => void remove() }}
        >
          <p>
            <strong>{video.title}</strong>, its source and every rendition are deleted for good. Links and embedded players stop working.
          </p>
        </Dialog>
      )}
      {asked === 'cancel' && (
        <Dialog
          title="Cancel the processing?"
          testid="cancel-dialog"
          onClose={() => setAsked(null)}
          confirm={{ label: 'Cancel the processing', danger: true, busy: busy === 'cancel', onConfirm: () => void cancel() }}
        >
          <p>What is finished is kept; a retry goes on from there.</p>
        </Dialog>
      )}
    </div>
  );
}
