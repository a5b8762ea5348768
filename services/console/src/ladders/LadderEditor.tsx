import { useId, useState } from 'preact/hooks';

import { messageOf, send } from '../api/client';
import type { PutRung, StoredLadder } from '../api/schema';
import { Button, IconButton } from '../components/Button';
import { Notice } from '../components/Notice';
import { bodyOf, newRung, type Draft } from './ladders';
import { LadderPreview } from './LadderPreview';

const presets = ['ultrafast', 'superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow', 'slower', 'veryslow'];
const profiles = ['baseline', 'main', 'high'];
const mostRungs = 10;

interface Props {
  draft: Draft;
  onCancel(): void;
  onSaved(ladder: StoredLadder): void;
}

export function LadderEditor({ draft: given, onCancel, onSaved }: Props) {
  const [draft, setDraft] = useState(given);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const id = useId();
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const setRung = (index: number, change: Partial<PutRung>) => set({ rungs: draft.rungs.map((rung, i) => (i === index ? { ...rung, ...change } : rung)) });

  const save = async () => {
    setBusy(true);
    setProblem('');
    try {
      onSaved(await send<StoredLadder>('PUT', `/v1/ladders/${encodeURIComponent(draft.name.trim())}`, bodyOf(draft)));
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <form
      class="stack ladders-page"
      aria-labelledby={`${id}-heading`}
      data-testid="ladder-editor"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <div class="page-head">
        <h1 id={`${id}-heading`} tabIndex={-1}>
          {draft.version > 0 ? `Change ${draft.name}` : 'New ladder'}
        </h1>
      </div>
      <section class="card padded stack">
        {draft.version === 0 && (
          <div class="field">
            <label for={`${id}-name`}>Name</label>
            <input id={`${id}-name`} value={draft.name} maxLength={32} placeholder="web" autocapitalize="none" data-testid="ladder-name" onInput={(event) => set({ name: event.currentTarget.value })} />
            <p class="muted small">a-z, 0-9, _ and -</p>
          </div>
        )}
        <div class="field">
          <label for={`${id}-about`}>What it is for</label>
          <input id={`${id}-about`} value={draft.description} maxLength={500} data-testid="ladder-description" onInput={(event) => set({ description: event.currentTarget.value })} />
        </div>
        <div class="field">
          <label for={`${id}-audio`}>Sound, kbit/s</label>
          <input id={`${id}-audio`} type="number" min={16} max={512} value={draft.audioBitrate / 1000} data-testid="ladder-audio" onInput={(event) => set({ audioBitrate: Math.round(event.currentTarget.valueAsNumber * 1000) || 0 })} />
        </div>
        <label class="check">
          <input type="checkbox" checked={draft.mp4} data-testid="ladder-mp4" onChange={(event) => set({ mp4: event.currentTarget.checked })} />
          <span>Also one mp4 file of the largest rendition, to keep and to download</span>
        </label>
      </section>
      <section class="stack" aria-labelledby={`${id}-rungs`}>
        <h2 id={`${id}-rungs`}>Pictures</h2>
        {draft.rungs.length === 0 && <p class="muted">None: the sound only.</p>}
        <ul class="rungs">
          {draft.rungs.map((rung, index) => (
            <li key={index} class="card padded rung" data-testid="rung">
              <Number label="Height, pixels" value={rung.height} min={64} max={4320} onValue={(height) => setRung(index, { height })} />
              <Number label="At most, kbit/s" value={rung.max_bitrate / 1000} min={50} max={200000} onValue={(rate) => setRung(index, { max_bitrate: Math.round(rate * 1000) })} />
              <Number label="CRF" value={rung.crf ?? 23} min={1} max={51} step={0.5} onValue={(crf) => setRung(index, { crf })} />
              <Choice label="Effort" value={rung.preset ?? 'veryfast'} choices={presets} onValue={(preset) => setRung(index, { preset })} />
              <Choice label="Profile" value={rung.profile ?? 'high'} choices={profiles} onValue={(profile) => setRung(index, { profile })} />
              <IconButton icon="trash" label={`Remove ${rung.height}p`} onClick={() => set({ rungs: draft.rungs.filter((_, i) => i !== index) })} testid="remove-rung" />
            </li>
          ))}
        </ul>
        {draft.rungs.length < mostRungs && (
          <div>
            <Button icon="film" onClick={() => set({ rungs: [...draft.rungs, newRung()] })} testid="add-rung">
              Add a rendition
            </Button>
          </div>
        )}
      </section>
      <LadderPreview draft={draft} />
      {problem && (
        <div role="alert">
          <Notice tone="bad" title={problem} testid="ladder-problem" />
        </div>
      )}
      <div class="row">
        <Button type="submit" variant="primary" icon="check" busy={busy} disabled={!draft.name.trim()} testid="save-ladder">
          Save
        </Button>
        <Button onClick={onCancel} testid="cancel-ladder">
          Cancel
        </Button>
      </div>
    </form>
  );
}

interface NumberProps {
  label: string;
  value: number;
  min: number;
  max: number;
  step?: number;
  onValue(value: number): void;
}

function Number({ label, value, min, max, step = 1, onValue }: NumberProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input id={id} type="number" min={min} max={max} step={step} value={value || ''} onInput={(event) => onValue(event.currentTarget.valueAsNumber || 0)} />
    </div>
  );
}

function Choice({ label, value, choices, onValue }: { label: string; value: string; choices: string[]; onValue(value: string): void }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    </div>
  );
}
