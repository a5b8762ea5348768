import { EmptyState } from '../components/EmptyState';
import { useTitle } from '../components/useTitle';
import { Link } from '../router';

export function NotFoundPage() {
  useTitle('Not found');
  return (
    <EmptyState icon="search" heading="h1" title="There is no such page" testid="not-found">
      <p>The link may be wrong or out of date.</p>
      <Link class="button primary" href="/">Go to the library</Link>
    </EmptyState>
  );
}
