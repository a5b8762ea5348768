// Tabs that are links: each has an address of its own.
import { Link } from '../router';
import './tabs.css';

export interface Tab {
  href: string;
  label: string;
  current: boolean;
  testid?: string;
}

export function Tabs({ label, tabs }: { label: string; tabs: Tab[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.href} href={tab.href} keepScroll aria-current={tab.current ? 'page' : undefined} data-testid={tab.testid}>
          {tab.label}
        </Link>
      ))}
    </nav>
  );
}
