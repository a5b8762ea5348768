import { useEffect, useId, useState } from 'preact/hooks';

import type { StoredLadder } from '../api/schema';
import { loadLadders } from './ladders';
import './ladders.css';

// What the videos are encoded as. Where the ladders cannot be read there is no choice, and the default is taken.
export function LadderSelect({ value, onChange }: { value: string; onChange(name: string): void }) {
  const [ladders, setLadders] = useState<StoredLadder[]>([]);
  const id = useId();
  useEffect(() => void loadLadders().then(setLadders, () => undefined), []);
  const usual = ladders.find(({ is_default }) => is_default);
  const chosen = ladders.find(({ name }) => name === value) ?? usual;
  if (ladders.length === 0) return null;
  return (
    <div class="field">
      <label for={id}>Encode as</label>
      <select id={id} value={value} data-testid="ladder-select" aria-describedby={`${id}-about`} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{usual ? `${usual.name} (default)` : 'The default'}</option>
        {ladders.filter(({ is_default }) => !is_default).map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <p id={`${id}-about`} class="muted small">
        {chosen?.description}
      </p>
    </div>
  );
}
