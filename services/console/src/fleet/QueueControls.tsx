// Pausing a queue asks before; resuming it does not.
import { useState } from 'preact/hooks';

import { messageOf, send } from '../api/client';
import type { Queue, QueueSettings } from '../api/schema';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { toast } from '../components/Toast';

export function QueueControls({ queue, onChanged }: { queue: Queue; onChanged(settings: QueueSettings): void }) {
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState(false);
  const set = async (paused: boolean) => {
    setBusy(true);
    try {
      onChanged(await send<QueueSettings>('PATCH', `/v1/queues/${encodeURIComponent(queue.name)}`, { paused }));
      toast(paused ? `Nothing of the queue ${queue.name} begins any more.` : `The queue ${queue.name} goes on.`);
    } catch (error) {
      toast(messageOf(error), 'bad');
    }
    setAsked(false);
    setBusy(false);
  };
  return (
    <>
      {queue.paused ? (
        <Button variant="primary" icon="play" busy={busy} onClick={() => void set(false)} aria-label={`Resume the queue ${queue.name}`} testid="resume-queue">
          Resume
        </Button>
      ) : (
        <Button icon="pause" onClick={() => setAsked(true)} aria-label={`Pause the queue ${queue.name}`} testid="pause-queue">
          Pause
        </Button>
      )}
      {asked && (
        <Dialog
          title={`Pause the queue ${queue.name}?`}
          testid="pause-queue-dialog"
          onClose={() => setAsked(false)}
          confirm={{ label: 'Pause', danger: true, busy, onConfirm: () => void set(true) }}
        >
          <p>What runs goes on to its end. Nothing more begins, of any video, until somebody resumes it.</p>
        </Dialog>
      )}
    </>
  );
}
