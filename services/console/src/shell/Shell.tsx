import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { ErrorNotice } from '../components/ErrorNotice';
import { Icon } from '../components/Icon';
import { Loading } from '../components/Skeleton';
import { Toasts } from '../components/Toast';
import { Link, matchPath, useLocation, type Params } from '../router';
import { routes } from '../routes';
import { activity } from '../upload/activity';
import { NotFoundPage } from './NotFoundPage';
import { ThemeToggle } from './ThemeToggle';
import { DropZone } from './DropZone';
import './shell.css';

const sections = [
  { href: '/', label: 'Library', icon: 'library', test: (path: string) => path === '/' || path.startsWith('/watch/') },
  { href: '/upload', label: 'Upload', icon: 'upload', test: (path: string) => path === '/upload' },
  { href: '/analytics', label: 'Analytics', icon: 'chart', test: (path: string) => path === '/analytics' },
  { href: '/fleet', label: 'Fleet', icon: 'server', test: (path: string) => path === '/fleet' },
] as const;

type Page = ComponentType<{ params: Params }>;
interface Shown {
  key: string;
  page: Page | null;
  params: Params;
  error?: unknown;
}

function useActivity() {
  const [shown, setShown] = useState(activity.get);
  useEffect(() => activity.subscribe(() => setShown(activity.get())), []);
  return shown;
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
  const running = useActivity();
  const [attempt, setAttempt] = useState(0);
  const [shown, setShown] = useState<Shown | null>(null);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const route = routes.find((candidate) => matchPath(candidate.path, path));
  const params = route ? matchPath(route.path, path)! : {};
  // Tabs of one video are one page: the player goes on while they change.
  const key = route ? `${route.path.startsWith('/watch/') ? '/watch' : route.path}:${params['id'] ?? ''}` : 'none';

  useEffect(() => {
    let current = true;
    if (!route) {
      setShown({ key, page: null, params });
    } else {
      route.load().then(
        (page) => current && setShown({ key, page, params }),
        (error: unknown) => current && setShown({ key, page: null, params, error }),
      );
    }
    return () => {
      current = false;
    };
  }, [path, attempt]);

  // A new page is announced by moving the focus to its heading, as loading it would have done.
  useEffect(() => {
    if (!shown) return undefined;
    if (!first.current) return focusHeading(main.current!);
    first.current = false;
    return undefined;
  }, [shown?.key]);

  let content = <Loading />;
  if (shown?.page) content = <shown.page key={shown.key} params={shown.params} />;
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
          <nav class="nav" aria-label="Main">
            {sections.map((section) => (
              <Link key={section.href} href={section.href} aria-current={section.test(path) ? 'page' : undefined} data-testid={`nav-${section.label.toLowerCase()}`}>
                <Icon name={section.icon} />
                <span>{section.label}</span>
                {section.href === '/upload' && running.active > 0 && (
                  <span class="nav-note" data-testid="upload-activity">
                    {running.percent} %<span class="visually-hidden"> sent</span>
                  </span>
                )}
              </Link>
            ))}
          </nav>
          <ThemeToggle />
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {content}
      </main>
      <DropZone />
      <Toasts />
    </>
  );
}
