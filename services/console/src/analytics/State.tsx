import type { ComponentChildren } from 'preact';

import { ApiError } from '../api/client';
import { ErrorNotice } from '../components/ErrorNotice';
import { Notice } from '../components/Notice';

// Numbers that cannot be had: it passes by itself when it is the store of the analytics that is away.
export function NumbersError({ error, onRetry, stale }: { error: unknown; onRetry(): void; stale: boolean }) {
  if (error instanceof ApiError && error.transient) {
    return (
      <div role="status">
        <Notice tone="warn" title="Analytics are not available right now" testid="analytics-unavailable">
          <p>Playback goes on, and what viewers do is kept. {stale ? 'These numbers are a little old; they' : 'The numbers'} come back by themselves.</p>
        </Notice>
      </div>
    );
  }
  return <ErrorNotice title="The numbers cannot be shown" error={error} onRetry={onRetry} testid="analytics-error" />;
}

export function Head({ title, children }: { title: ComponentChildren; children: ComponentChildren }) {
  return (
    <div class="numbers-head">
      {title}
      {children}
    </div>
  );
}
