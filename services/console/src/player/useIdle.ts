import type { RefObject } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

const kIdleMs = 2800;

// Whether nobody has touched the player for a while; `stir(true)` ends the wait at once. Never idle while not `allowed`, nor while the
// keyboard focus is on a control.
export function useIdle(root: RefObject<HTMLElement>, allowed: boolean): [boolean, (now?: boolean) => void] {
  const [idle, setIdle] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const may = useRef(allowed);
  may.current = allowed;

  const stir = useCallback((now = false) => {
    if (timer.current !== null) clearTimeout(timer.current);
    const rest = () => {
      const focus = root.current?.querySelector('.vp-bar :focus');
      if (!may.current || focus?.matches(':focus-visible')) return;
      // What is hidden loses the focus; the keys stay with the player.
      if (focus) root.current?.focus({ preventScroll: true });
      setIdle(true);
    };
    if (now) return rest();
    setIdle(false);
    timer.current = setTimeout(rest, kIdleMs);
  }, []);

  useEffect(() => {
    const element = root.current;
    if (!element) return undefined;
    const abort = new AbortController();
    const moved = (event: PointerEvent) => event.pointerType === 'mouse' && stir();
    element.addEventListener('pointermove', moved, { signal: abort.signal });
    element.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && stir(true), { signal: abort.signal });
    element.addEventListener('focusin', () => stir(), { signal: abort.signal });
    return () => abort.abort();
  }, []);

  useEffect(() => {
    stir();
    return () => {
      if (timer.current !== null) clearTimeout(timer.current);
    };
  }, [allowed]);

  return [idle && allowed, stir];
}
