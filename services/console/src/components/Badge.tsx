import type { ComponentChildren } from 'preact';

import './badge.css';

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'neutral';

const states: Record<string, { text: string; tone: Tone; busy?: boolean }> = {
  CREATED: { text: 'Waiting', tone: 'neutral' },
  PROCESSING: { text: 'Processing', tone: 'info', busy: true },
  RUNNING: { text: 'Running', tone: 'info', busy: true },
  PARTIALLY_READY: { text: 'Partially ready', tone: 'warn', busy: true },
  READY: { text: 'Ready', tone: 'ok' },
  FAILED: { text: 'Failed', tone: 'bad' },
  CANCELLED: { text: 'Cancelled', tone: 'neutral' },
  PENDING: { text: 'Waiting', tone: 'neutral' },
  RETRYING: { text: 'Retrying', tone: 'warn', busy: true },
  DONE: { text: 'Done', tone: 'ok' },
};

export const stateText = (state: string): string => states[state]?.text ?? state;

export function Badge({ tone = 'neutral', busy, testid, children }: { tone?: Tone; busy?: boolean | undefined; testid?: string | undefined; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}${busy ? ' busy' : ''}`} data-testid={testid}>
      {children}
    </span>
  );
}

// Of a video or a rendition.
export function StateBadge({ state, testid }: { state: string; testid?: string }) {
  const shown = states[state] ?? { text: state, tone: 'neutral' };
  return (
    <Badge tone={shown.tone} busy={shown.busy} testid={testid}>
      {shown.text}
    </Badge>
  );
}
