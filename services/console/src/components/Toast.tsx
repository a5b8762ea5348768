// Short messages at the edge of the screen, read out politely.
import { useEffect, useState } from 'preact/hooks';

import { Icon } from './Icon';
import './toast.css';

interface Toast {
  id: number;
  text: string;
  tone: 'ok' | 'bad';
}

let next = 1;
let show: ((toast: Toast) => void) | undefined;
const secondsShown = 6;

export function toast(text: string, tone: 'ok' | 'bad' = 'ok'): void {
  show?.({ id: next++, text, tone });
}

export function Toasts() {
  const [toasts, setToasts] = useState<Toast[]>([]);
  useEffect(() => {
    show = (added) => {
      setToasts((current) => [...current.slice(-3), added]);
      setTimeout(() => setToasts((current) => current.filter((item) => item.id !== added.id)), secondsShown * 1000);
    };
    return () => {
      show = undefined;
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite" data-testid="toasts">
      {toasts.map((item) => (
        <div key={item.id} class={`toast ${item.tone}`}>
          <Icon name={item.tone === 'ok' ? 'check' : 'alert'} />
          <span>{item.text}</span>
        </div>
      ))}
    </div>
  );
}
