// What videos are encoded as: the ladders there are, and one in the editor.
import { useCallback, useEffect, useState } from 'preact/hooks';

import { messageOf, send } from '../api/client';
import type { StoredLadder } from '../api/schema';
import { Badge } from '../components/Badge';
import { Button } from '../components/Button';
import { Dialog } from '../components/Dialog';
import { ErrorNotice } from '../components/ErrorNotice';
import { Skeleton } from '../components/Skeleton';
import { toast } from '../components/Toast';
import { useTitle } from '../components/useTitle';
import { LadderEditor } from './LadderEditor';
import { draftOf, emptyDraft, loadLadders, type Draft } from './ladders';
import './ladders.css';

const origins = { OWN: 'yours', INSTALLATION: 'of this installation', SHIPPED: 'shipped' } as const;

export default function LaddersPage() {
  useTitle('Ladders');
  const [ladders, setLadders] = useState<StoredLadder[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const [deleting, setDeleting] = useState<StoredLadder | null>(null);
  const [busy, setBusy] = useState(false);
  const load = useCallback(async () => {
    try {
      setLadders(await loadLadders());
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  }, []);
  useEffect(() => void load(), [load]);

  const act = async (what: () => Promise<unknown>, said: string) => {
    setBusy(true);
    try {
      await what();
      toast(said);
      await load();
    } catch (failure) {
      toast(messageOf(failure), 'bad');
    }
    setBusy(false);
    setDeleting(null);
  };
  const path = (name: string) => `/v1/ladders/${encodeURIComponent(name)}`;

  if (draft) {
    return (
      <LadderEditor
        draft={draft}
        onCancel={() => setDraft(null)}
        onSaved={(saved) => {
          setDraft(null);
          toast(`${saved.name} is at version ${saved.version}. Videos from now on get it.`);
          void load();
        }}
      />
    );
  }
  return (
    <div class="stack ladders-page">
      <div class="page-head">
        <h1 tabIndex={-1}>Ladders</h1>
        <Button variant="primary" icon="edit" onClick={() => setDraft(emptyDraft())} testid="new-ladder">
          New ladder
        </Button>
      </div>
      <p class="muted">What videos are encoded as: the renditions that players choose from. Videos keep the ladder they began with.</p>
      {error ? <ErrorNotice title="The ladders could not be loaded" error={error} onRetry={() => void load()} /> : null}
      {!ladders && !error && <Skeleton width="60%" />}
      <ul class="ladder-list" data-testid="ladders">
        {ladders?.map((ladder) => (
          <li key={ladder.name} class="card padded stack ladder" data-testid={`ladder-${ladder.name}`}>
            <div class="row ladder-head">
              <h2 class="grow">{ladder.name}</h2>
              {ladder.is_default && <Badge tone="ok" testid="is-default">default</Badge>}
              <span class="muted small">
                {origins[ladder.origin]}, version {ladder.version}
              </span>
            </div>
            {ladder.description && <p>{ladder.description}</p>}
            <p class="muted small ladder-rungs">
              {ladder.rungs.length === 0 ? 'Sound only' : ladder.rungs.map(({ name, max_bitrate }) => `${name} up to ${(max_bitrate / 1e6).toFixed(1)} Mbit/s`).join(' · ')}
              {' · '}sound {Math.round(ladder.audio.bitrate / 1000)} kbit/s
            </p>
            {ladder.warnings.map((warning) => (
              <p key={warning} class="small warn-text">{warning}</p>
            ))}
            <div class="row ladder-actions">
              {ladder.origin === 'OWN' && (
                <Button icon="edit" onClick={() => setDraft(draftOf(ladder, 'change'))} testid="change-ladder">
                  Change
                </Button>
              )}
              <Button icon="copy" onClick={() => setDraft(draftOf(ladder, 'copy'))} testid="copy-ladder">
                Copy
              </Button>
              {!ladder.is_default && (
                <Button icon="check" busy={busy} onClick={() => void act(() => send('POST', `${path(ladder.name)}:default`), `New videos are encoded as ${ladder.name}.`)} testid="default-ladder">
                  Make default
                </Button>
              )}
              {ladder.origin === 'OWN' && (
                <Button variant="plain" icon="trash" onClick={() => setDeleting(ladder)} testid="delete-ladder">
                  Delete
                </Button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {deleting && (
        <Dialog
          title={`Delete ${deleting.name}?`}
          onClose={() => setDeleting(null)}
          confirm={{ label: 'Delete', danger: true, busy, onConfirm: () => void act(() => send('DELETE', path(deleting.name)), `Deleted ${deleting.name}.`) }}
        >
          <p>Videos that were encoded with it stay as they are.</p>
        </Dialog>
      )}
    </div>
  );
}
