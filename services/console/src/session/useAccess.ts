import { useEffect, useReducer, useState } from 'preact/hooks';

import { config } from '../api/config';
import { accessOf, type Access } from './access';
import { session } from './session';

const kRetryMs = 4000;

// Renders again when somebody signs in or out.
export function useSession() {
  const [, changed] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const stop = session.subscribe(() => changed(0));
    changed(0);
    return stop;
  }, []);
  return session;
}

// Asks the server whether tokens are needed. When it cannot be reached the pages are shown: they say so, and go on when it is back.
export function useAccess(isPublic: boolean): Access {
  useSession();
  const [unreachable, setUnreachable] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      config().then(
        ({ auth }) => session.know(auth === 'jwt'),
        () => {
          setUnreachable(true);
          timer = setTimeout(ask, kRetryMs);
        },
      );
    };
    ask();
    return () => clearTimeout(timer);
  }, []);
  const access = accessOf(session, isPublic);
  return access === 'waiting' && unreachable ? 'full' : access;
}
