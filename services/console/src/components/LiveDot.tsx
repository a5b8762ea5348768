import type { LiveState } from '../api/live';
import './live-dot.css';

const texts: Record<LiveState, string> = { connecting: 'Connecting…', live: 'Live', reconnecting: 'Reconnecting…', ended: '' };

// Whether what is shown is kept up to date.
export function LiveDot({ state }: { state: LiveState }) {
  if (state === 'ended') return null;
  return (
    <span class={`live-dot ${state}`} role="status" data-testid="live">
      {texts[state]}
    </span>
  );
}
