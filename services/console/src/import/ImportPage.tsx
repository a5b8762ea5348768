// Videos of files that lie elsewhere: one by its address or its place in a source, or all that a source holds.
import { useCallback, useEffect, useState } from 'preact/hooks';

import { get } from '../api/client';
import type { Source, SourceList } from '../api/schema';
import { EmptyState } from '../components/EmptyState';
import { ErrorNotice } from '../components/ErrorNotice';
import { Skeleton } from '../components/Skeleton';
import { useTitle } from '../components/useTitle';
import { ImportForm } from './ImportForm';
import './import.css';
import { SourceRow } from './SourceRow';

export default function ImportPage() {
  useTitle('Import');
  const [sources, setSources] = useState<Source[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(async () => {
    try {
      setSources((await get<SourceList>('/v1/sources')).sources);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  }, []);
  useEffect(() => void load(), [load]);

  return (
    <div class="stack import-page">
      <div class="page-head">
        <h1 tabIndex={-1}>Import</h1>
      </div>
      <ImportForm sources={sources ?? []} />
      <section class="stack" aria-labelledby="sources-heading">
        <h2 id="sources-heading">Sources</h2>
        {error ? <ErrorNotice title="The sources could not be loaded" error={error} onRetry={() => void load()} /> : null}
        {!sources && !error && <Skeleton width="60%" />}
        {sources?.length === 0 && (
          <EmptyState icon="server" title="No sources yet" testid="no-sources">
            <p>
              An operator names folders and buckets in the setting <code>VORA_SOURCES</code>, for example <code>nas=file:///srv/films</code>.
            </p>
          </EmptyState>
        )}
        {sources && sources.length > 0 && (
          <ul class="card sources" data-testid="sources">
            {sources.map((source) => (
              <SourceRow key={source.name} source={source} />
            ))}
          </ul>
        )}
      </section>
    </div>
  );
}
