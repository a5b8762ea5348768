// The sections of the console.
import { useEffect, useState } from 'preact/hooks';

import { Icon } from '../components/Icon';
import { Link } from '../router';
import { activity } from '../upload/activity';

const sections = [
  { href: '/', label: 'Library', icon: 'library', test: (path: string) => path === '/' || path.startsWith('/watch/') },
  { href: '/upload', label: 'Upload', icon: 'upload', test: (path: string) => path === '/upload' },
  { href: '/import', label: 'Import', icon: 'link', test: (path: string) => path === '/import' },
  { href: '/ladders', label: 'Ladders', icon: 'layers', test: (path: string) => path === '/ladders' },
  { href: '/analytics', label: 'Analytics', icon: 'chart', test: (path: string) => path === '/analytics' },
  { href: '/fleet', label: 'Fleet', icon: 'server', test: (path: string) => path === '/fleet' },
] as const;

function useActivity() {
  const [shown, setShown] = useState(activity.get);
  useEffect(() => activity.subscribe(() => setShown(activity.get())), []);
  return shown;
}

export function Nav({ path }: { path: string }) {
  const running = useActivity();
  return (
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
  );
}
