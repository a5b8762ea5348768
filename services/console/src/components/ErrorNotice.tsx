import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { ApiError, messageOf } from '../api/client';
import { Button } from './Button';
import { Icon } from './Icon';
import './notice.css';

interface Props {
  title: string;
  error: unknown;
  onRetry?: (() => void) | undefined;
  testid?: string;
  children?: ComponentChildren; // what to do, when it is more than trying again
}

// What went wrong and what to do. Transient errors are tried again by themselves when the server says when.
export function ErrorNotice({ title, error, onRetry, testid, children }: Props) {
  const wait = error instanceof ApiError && error.transient ? error.retryAfterSeconds : 0;
  const [left, setLeft] = useState(wait);
  useEffect(() => {
    setLeft(wait);
    if (!wait || !onRetry) return undefined;
    const until = Date.now() + wait * 1000;
    const timer = setInterval(() => {
      const rest = Math.ceil((until - Date.now()) / 1000);
      setLeft(Math.max(0, rest));
      if (rest > 0) return;
      clearInterval(timer);
      onRetry();
    }, 1000);
    return () => clearInterval(timer);
  }, [error]);
  return (
    <div class="notice bad" role="alert" data-testid={testid ?? 'error'}>
      <Icon name="alert" />
      <div class="grow">
        <strong>{title}</strong>
        <p>{messageOf(error)}</p>
        {children}
        {left > 0 && onRetry && <p class="small" aria-live="off">Trying again in {left} s.</p>}
      </div>
      {onRetry && (
        <Button icon="retry" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
