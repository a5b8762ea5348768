// Uploads begun earlier in this browser: the same file goes on where it stopped.
import { useEffect, useRef, useState } from 'preact/hooks';

import { isAbort } from '../api/client';
import { Button } from '../components/Button';
import { ProgressBar } from '../components/ProgressBar';
import { toast } from '../components/Toast';
import { ago, bytes, percent } from '../format';
import { discard, listUnfinished, type Unfinished } from './unfinished';

interface Props {
  endpoint: string;
  busy: { name: string; size: number }[]; // in the list above already
  accepted: string;
  onFiles(files: FileList): void;
}

export function UnfinishedList({ endpoint, busy, accepted, onFiles }: Props) {
  const [items, setItems] = useState<Unfinished[]>([]);
  const [wanted, setWanted] = useState<Unfinished | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const control = new AbortController();
    listUnfinished(endpoint, control.signal).then(setItems, (error: unknown) => {
      if (!isAbort(error)) setItems([]);
    });
    return () => control.abort();
  }, [endpoint]);
  const shown = items.filter((item) => !busy.some((other) => other.name === item.name && other.size === item.size));
  if (shown.length === 0) return null;

  const choose = (files: FileList | null) => {
    const file = files?.[0];
    if (!file || !wanted) return;
    if (file.name !== wanted.name || file.size !== wanted.size) {
      toast(`${file.name} is not the file that was being uploaded (${wanted.name}, ${bytes(wanted.size)}). Choose that one.`, 'bad');
      return;
    }
    onFiles(files);
  };
  const drop = (item: Unfinished) => {
    discard(item).then(
      () => {
        setItems((current) => current.filter((other) => other.key !== item.key));
        toast(`The unfinished upload of ${item.name} was discarded.`);
      },
      () => toast(`${item.name} could not be discarded: the upload server cannot be reached.`, 'bad'),
    );
  };
  return (
    <section class="stack" aria-labelledby="unfinished-heading" data-testid="unfinished">
      <h2 id="unfinished-heading">Unfinished uploads</h2>
      <p class="muted">A browser may not open a file again by itself. Choose the same file and its upload goes on where it stopped.</p>
      <ul class="card transfers">
        {shown.map((item) => (
          <li class="transfer" key={item.key} data-testid="unfinished-item">
            <div class="transfer-main">
              <span class="transfer-name">{item.name}</span>
              {item.received >= 0 && <ProgressBar value={(item.received / Math.max(1, item.size)) * 100} tone="neutral" label={`Uploaded of ${item.name}`} />}
              <p class="small muted">
                {item.received >= 0 ? `${percent(item.received / Math.max(1, item.size))} of ${bytes(item.size)} on the server` : bytes(item.size)} · begun {ago(item.begunAt)}
              </p>
            </div>
            <div class="transfer-actions">
              <Button
                testid="unfinished-choose"
                aria-label={`Choose file ${item.name} to go on`}
                onClick={() => {
                  setWanted(item);
                  picker.current?.click();
                }}
              >
                Choose file
              </Button>
              <Button variant="plain" testid="unfinished-discard" aria-label={`Discard the unfinished upload of ${item.name}`} onClick={() => drop(item)}>
                Discard
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <input
        ref={picker}
        type="file"
        accept={accepted}
        class="visually-hidden"
        tabIndex={-1}
        aria-label="File of the unfinished upload"
        data-testid="unfinished-input"
        onChange={(event) => {
          choose(event.currentTarget.files);
          event.currentTarget.value = '';
        }}
      />
    </section>
  );
}
