import type { ComponentChildren } from 'preact';

import { Icon, type IconName } from './Icon';
import './notice.css';

interface Props {
  icon: IconName;
  title: string;
  heading?: 'h1' | 'h2' | 'h3';
  testid?: string;
  children?: ComponentChildren; // what to do
}

export function EmptyState({ icon, title, heading: Heading = 'h2', testid, children }: Props) {
  return (
    <div class="empty-state" data-testid={testid}>
      <span class="empty-icon"><Icon name={icon} size={32} /></span>
      <Heading tabIndex={-1}>{title}</Heading>
      {children}
    </div>
  );
}
