import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

import { Button } from './Button';
import './dialog.css';

interface Props {
  title: string;
  onClose(): void; // Escape, the backdrop or Cancel
  confirm?: { label: string; danger?: boolean; busy?: boolean; onConfirm(): void };
  testid?: string;
  children?: ComponentChildren;
}

// Modal: the browser keeps the focus inside and gives it back afterwards.
export function Dialog({ title, onClose, confirm, testid, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={id}
      data-testid={testid ?? 'dialog'}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="dialog-body">
        <h2 id={id}>{title}</h2>
        {children}
        <div class="dialog-actions">
          <Button onClick={onClose} testid="dialog-cancel">
            {confirm ? 'Cancel' : 'Close'}
          </Button>
          {confirm && (
            <Button variant={confirm.danger ? 'danger' : 'primary'} busy={confirm.busy ?? false} onClick={confirm.onConfirm} testid="dialog-confirm">
              {confirm.label}
            </Button>
          )}
        </div>
      </div>
    </dialog>
  );
}
