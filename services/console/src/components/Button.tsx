import type { ComponentChildren, JSX } from 'preact';

import { Icon, type IconName } from './Icon';
import './button.css';

type Props = Omit<JSX.IntrinsicElements['button'], 'icon' | 'class'> & {
  class?: string;
  variant?: 'primary' | 'secondary' | 'danger' | 'plain';
  icon?: IconName;
  busy?: boolean; // works on it: no further clicks, said to screen readers
  testid?: string;
  children?: ComponentChildren;
};

export function Button({ variant = 'secondary', icon, busy = false, testid, children, disabled, class: extra, ...rest }: Props) {
  return (
    <button type="button" {...rest} class={`button ${variant} ${extra ?? ''}`} disabled={disabled || busy} aria-busy={busy || undefined} data-testid={testid}>
      {icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

// An icon alone; `label` is its name.
export function IconButton({ icon, label, testid, ...rest }: Omit<JSX.IntrinsicElements['button'], 'icon' | 'label'> & { icon: IconName; label: string; testid?: string }) {
  return (
    <button type="button" {...rest} class="icon-button" aria-label={label} title={label} data-testid={testid}>
      <Icon name={icon} />
    </button>
  );
}
