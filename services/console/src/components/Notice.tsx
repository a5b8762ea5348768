import type { ComponentChildren } from 'preact';

import { Icon } from './Icon';
import './notice.css';

export function Notice({ tone, title, testid, children }: { tone: 'bad' | 'warn' | 'info' | 'ok'; title: string; testid?: string; children?: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`} data-testid={testid}>
      <Icon name={tone === 'ok' ? 'check' : tone === 'info' ? 'info' : 'alert'} />
      <div class="grow">
        <strong>{title}</strong>
        {children}
      </div>
    </div>
  );
}
