import { useId, useRef, useState } from 'preact/hooks';

import { IconButton } from './Button';
import './copy-field.css';

// A read-only text with a button that copies it.
export function CopyField({ label, value, testid }: { label: string; value: string; testid?: string }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      // Without the permission or on plain HTTP: the old way.
      input.current?.select();
      if (!document.execCommand('copy')) return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div class="copy-field">
      <label for={id}>{label}</label>
      <div>
        <input id={id} ref={input} readOnly value={value} spellcheck={false} data-testid={testid} onFocus={(event) => event.currentTarget.select()} />
        <IconButton icon={copied ? 'check' : 'copy'} label={`Copy: ${label}`} onClick={() => void copy()} />
      </div>
      <span class="visually-hidden" role="status">{copied ? `${label} copied` : ''}</span>
    </div>
  );
}
