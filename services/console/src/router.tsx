// Client-side routing over the history API: links inside the console change the page without loading it anew.
import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { Params } from './match';

export { matchPath, type Params } from './match';

export interface Route {
  path: string; // `/watch/{id}/timeline`
  load: () => Promise<ComponentType<{ params: Params }>>;
  viewers?: () => Promise<ComponentType<{ params: Params }>>; // for those who are not signed in; none: they are asked to
}

const listeners = new Set<() => void>();
const announce = () => listeners.forEach((listener) => listener());
window.addEventListener('popstate', announce);

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (to === location.pathname + location.search) return;
  history[options.replace ? 'replaceState' : 'pushState'](null, '', to);
  announce();
}

// Path and query of the address bar; the component renders again when they change.
export function useLocation(): { path: string; search: string } {
  const read = () => ({ path: location.pathname, search: location.search });
  const [here, setHere] = useState(read);
  useEffect(() => {
    const update = () => setHere(read());
    listeners.add(update);
    update();
    return () => void listeners.delete(update);
  }, []);
  return here;
}

type LinkProps = JSX.IntrinsicElements['a'] & {
  href: string;
  keepScroll?: boolean; // what changes lies below the link
};

// An ordinary link that stays in the page when it is clicked plainly.
export function Link({ onClick, keepScroll = false, ...props }: LinkProps) {
  return (
    <a
      {...props}
      onClick={(event) => {
        onClick?.(event);
        const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
        if (event.defaultPrevented || !plain || props.target || props.download) return;
        event.preventDefault();
        navigate(props.href);
        if (!keepScroll) window.scrollTo(0, 0);
      }}
    />
  );
}
