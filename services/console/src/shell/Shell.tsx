import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Button } from '../components/Button';
import { ErrorNotice } from '../components/ErrorNotice';
import { Loading } from '../components/Skeleton';
import { Toasts } from '../components/Toast';
import { Link, matchPath, useLocation, type Params } from '../router';
import { routes } from '../routes';
import { Account } from '../session/Account';
import { session } from '../session/session';
import { SignInPage } from '../session/SignInPage';
import { useAccess } from '../session/useAccess';
import { Nav } from './Nav';
import { NotFoundPage } from './NotFoundPage';
import { ThemeToggle } from './ThemeToggle';
import { DropZone } from './DropZone';
import './shell.css';

type Page = ComponentType<{ params: Params }>;
interface Shown {
  key: string;
  page: Page | null;
  params: Params;
  error?: unknown;
}

// The heading comes once the page's data is there; until then the focus waits at the page itself, unless somebody takes it away.
function focusHeading(main: HTMLElement): () => void {
  const heading = () => main.querySelector<HTMLElement>('h1');
  const observer = new MutationObserver(() => {
    const found = heading();
    if (!found) return;
    observer.disconnect();
    if (document.activeElement === main) found.focus();
  });
  (heading() ?? main).focus();
  if (!heading()) observer.observe(main, { childList: true, subtree: true });
  return () => observer.disconnect();
}

export function Shell() {
  const { path } = useLocation();
  const [attempt, setAttempt] = useState(0);
  const [shown, setShown] = useState<Shown | null>(null);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const route = routes.find((candidate) => matchPath(candidate.path, path));
  const params = route ? matchPath(route.path, path)! : {};
  // Tabs of one video are one page: the player goes on while they change.
  const access = useAccess(Boolean(route?.viewers));
  const key = route ? `${access === 'viewer' ? 'viewer:' : ''}${route.path.startsWith('/watch/') ? '/watch' : route.path}:${params['id'] ?? ''}` : 'none';

  useEffect(() => {
    let current = true;
    if (!route) {
      setShown({ key, page: null, params });
    } else {
      const load = access === 'viewer' ? route.viewers! : route.load;
      load().then(
        (page) => current && setShown({ key, page, params }),
        (error: unknown) => current && setShown({ key, page: null, params, error }),
      );
    }
    return () => {
      current = false;
    };
  }, [path, attempt, access === 'viewer']);

  // A new page is announced by moving the focus to its heading, as loading it would have done.
  useEffect(() => {
    if (!shown && access !== 'sign-in') return undefined;
    if (!first.current && access !== 'sign-in') return focusHeading(main.current!);
    first.current = false;
    return undefined;
  }, [shown?.key, access === 'sign-in']);

  let content = <Loading />;
  if (access === 'sign-in') content = <SignInPage onLeave={route?.viewers && (() => session.want(false))} />;
  else if (access === 'waiting' || (shown && shown.key !== key && access === 'viewer')) content = <Loading />;
  else if (shown?.page) content = <shown.page key={shown.key} params={shown.params} />;
  else if (shown?.error) content = <ErrorNotice title="The page could not be loaded" error={shown.error} onRetry={() => setAttempt(attempt + 1)} />;
  else if (shown && !route) content = <NotFoundPage />;

  return (
    <>
      <a class="skip-link" href="#main">Skip to the content</a>
      <header class="topbar">
        <div class="topbar-inner">
          <Link class="brand" href="/" aria-label="Vora, library">
            <img src="/favicon.svg" alt="" width="28" height="28" />
            <span>Vora</span>
          </Link>
          {(access === 'full' || access === 'waiting') && <Nav path={path} />}
          {access === 'full' && session.needed && session.token && <Account />}
          {access === 'viewer' && <Button onClick={() => session.want(true)} testid="sign-in-open">Sign in</Button>}
          <ThemeToggle />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {content}
      </main>
      {access === 'full' && <DropZone />}
      <Toasts />
    </>
  );
}
