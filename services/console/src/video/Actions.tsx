// What can be done with a video; each asks before it destroys something.
import { useState } from 'preact/hooks';

import { messageOf, send } from '../api/client';
import { isRunning } from '../api/running';
import type { Encode, Video } from '../api/schema';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { toast } from '../components/Toast';
import { LadderSelect } from '../ladders/LadderSelect';
import { navigate } from '../router';

interface Props {
  video: Video;
  editing: boolean;
  onChanged(video: Video): void;
  onEdit(): void;
  onEncode(): void;
}

type Asked = 'delete' | 'cancel' | 'encode' | null;

export const canRetry = (video: Video): boolean =>
  video.state === 'FAILED' || video.state === 'CANCELLED' || (!isRunning(video) && video.renditions.some(({ state }) => state === 'FAILED'));

export function Actions({ video, editing, onChanged, onEdit, onEncode }: Props) {
  const [asked, setAsked] = useState<Asked>(null);
  const [busy, setBusy] = useState('');
  const [ladder, setLadder] = useState('');
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
  const encode = () =>
    run('encode', async () => {
      const begun = await send<Encode>('POST', `${path}/encodes`, { ladder });
      toast(`Encoding anew by ${begun.ladder}. Players get it when all of it is done.`);
      onEncode();
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
      {!isRunning(video) && (
        <Button icon="layers" onClick={() => setAsked('encode')} testid="encode">
          Encode anew
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
      {asked === 'encode' && (
        <Dialog title="Encode it anew?" testid="encode-dialog" onClose={() => setAsked(null)} confirm={{ label: 'Encode', busy: busy === 'encode', onConfirm: () => void encode() }}>
          <p>The renditions are made beside those that players have, and take their place at once when all are done.</p>
          <LadderSelect value={ladder} onChange={setLadder} />
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
