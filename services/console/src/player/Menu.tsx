// A button with a list of choices above it (https://www.w3.org/WAI/ARIA/apg/patterns/menu-button/).
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

import { Icon } from './icons';

export interface Choice {
  id: string;
  label: string;
  detail?: string;
}

export interface MenuProps {
  name: string; // for people: `Quality`
  value: string;
  choices: Choice[];
  open: boolean;
  setOpen(open: boolean): void;
  onChoose(id: string): void;
  children: ComponentChildren; // of the button
  says?: string; // the value as the button shows it
  testid: string;
  pressed?: boolean;
}

export function Menu({ name, value, choices, open, setOpen, onChoose, children, says, testid, pressed }: MenuProps) {
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const chosen = choices.find((choice) => choice.id === value);

  useEffect(() => {
    if (!open) return undefined;
    list.current?.querySelector<HTMLElement>('[aria-checked="true"], [role="menuitemradio"]')?.focus();
    const outside = (event: PointerEvent) => !root.current?.contains(event.target as Node) && setOpen(false);
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };

  const onKey = (event: KeyboardEvent) => {
    const items = Array.from(list.current?.querySelectorAll<HTMLElement>('[role="menuitemradio"]') ?? []);
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length]?.focus();
    else if (event.key === 'Escape') close();
    else if (event.key === 'Tab') return setOpen(false);
    else if (event.key !== 'Enter' && event.key !== ' ') return;
    event.stopPropagation();
    if (to !== undefined || event.key === 'Escape') event.preventDefault();
  };

  return (
    <div class="vp-menu" ref={root}>
      <button ref={button} type="button" class={`vp-button vp-text${pressed ? ' vp-on' : ''}`} aria-haspopup="menu" aria-expanded={open}
        aria-controls={open ? id : undefined} aria-label={`${name}: ${says ?? chosen?.label ?? value}`} title={name} data-testid={testid}
        onClick={() => setOpen(!open)}
        onKeyDown={(event) => {
          if (open || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
          event.preventDefault();
          event.stopPropagation();
          setOpen(true);
        }}>
        {children}
      </button>
      {open && (
        <div class="vp-list" id={id} role="menu" aria-label={name} ref={list} onKeyDown={onKey}>
          {choices.map((choice) => (
            <button key={choice.id} type="button" role="menuitemradio" aria-checked={choice.id === value} tabIndex={-1} class="vp-choice"
              onClick={() => {
                onChoose(choice.id);
                close();
              }}>
              <span class="vp-check">{choice.id === value && <Icon name="check" />}</span>
              <span>{choice.label}</span>
              {choice.detail && <span class="vp-detail" aria-hidden="true">{choice.detail}</span>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
