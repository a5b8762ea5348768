// What an operator changes of a run that is open: pause, resume, and no more waiting for the next attempt.
import { useId, useState } from 'preact/hooks';

import { messageOf, send } from '../api/client';
import type { Retried, Workflow } from '../api/schema';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { toast } from '../components/Toast';

const kMostReason = 500; // characters; the server takes 1000 bytes

interface Props {
  videoId: string;
  workflow: Workflow;
  retrying: number; // activities that wait for their next attempt
  onChanged(): void;
}

export function Controls({ videoId, workflow, retrying, onChanged }: Props) {
  const [asked, setAsked] = useState(false);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState('');
  const field = useId();
  const run = async (name: string, body: object | undefined, told: string) => {
    setBusy(name);
    try {
      await send<Workflow>('POST', `/v1/videos/${encodeURIComponent(videoId)}/${name}`, body);
      toast(told);
      onChanged();
    } catch (error) {
      toast(messageOf(error), 'bad');
    }
    setAsked(false);
    setBusy('');
  };
  const retry = async () => {
    setBusy('retry-now');
    await retryNow(videoId, {}, onChanged);
    setBusy('');
  };
  return (
    <>
      {(retrying > 0 || workflow.stuck_reason) && (
        <Button icon="retry" busy={busy === 'retry-now'} onClick={() => void retry()} testid="retry-now">
          Retry now
        </Button>
      )}
      {workflow.paused ? (
        <Button variant="primary" icon="play" busy={busy === 'resume'} onClick={() => void run('resume', undefined, 'Processing goes on.')} testid="resume-processing">
          Resume
        </Button>
      ) : (
        <Button icon="pause" onClick={() => setAsked(true)} testid="pause-processing">
          Pause
        </Button>
      )}
      {asked && (
        <Dialog
          title="Pause the processing?"
          testid="pause-dialog"
          onClose={() => setAsked(false)}
          confirm={{ label: 'Pause', busy: busy === 'pause', onConfirm: () => void run('pause', reason ? { reason } : {}, 'Processing is paused.') }}
        >
          <p>What is running is handed back with what it has done, and nothing more begins until somebody resumes it.</p>
          <label class="tl-reason-field" for={field}>
            Reason, for others
            <input id={field} value={reason} maxLength={kMostReason} onInput={(event) => setReason(event.currentTarget.value)} data-testid="pause-reason" />
          </label>
        </Dialog>
      )}
    </>
  );
}

// Of the activity that `which` names, or of all that wait.
export async function retryNow(videoId: string, which: { scheduled_event_id?: number }, onChanged: () => void): Promise<void> {
  try {
    const { retried, tried_parked, stuck_reason } = await send<Retried>('POST', `/v1/videos/${encodeURIComponent(videoId)}/retry-now`, which);
    if (tried_parked && stuck_reason) toast('The run was tried again, and is parked still.', 'bad');
    else if (retried > 0 || tried_parked) toast(retried > 1 ? `${retried} activities are tried again now.` : 'It is tried again now.');
    else toast('Nothing waits for its next attempt.');
    onChanged();
  } catch (error) {
    toast(messageOf(error), 'bad');
  }
}
