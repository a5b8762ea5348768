import { useEffect, useRef } from 'preact/hooks';

import { kShortcuts } from './shortcuts';

export function KeyHelp({ onClose }: { onClose(): void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <div class="vp-help" role="dialog" aria-label="Keys of the player" data-testid="player-help"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' && event.key !== '?') return;
        event.stopPropagation();
        onClose();
      }}>
      <dl>
        {kShortcuts.map(([keys, text]) => (
          <div key={text}>
            <dt>{keys.map((key) => (key === '…' ? <span key={key}>…</span> : <kbd key={key}>{key}</kbd>))}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <button ref={button} type="button" class="vp-action" onClick={onClose}>Close</button>
    </div>
  );
}
