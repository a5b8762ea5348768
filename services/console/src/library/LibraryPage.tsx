import { useEffect, useRef, useState } from 'preact/hooks';

import type { VideoState } from '../api/schema';
import { stateText } from '../components/Badge';
import { Button, IconButton } from '../components/Button';
import { EmptyState } from '../components/EmptyState';
import { ErrorNotice } from '../components/ErrorNotice';
import { Icon } from '../components/Icon';
import { Label } from '../components/Label';
import { LiveDot } from '../components/LiveDot';
import { Skeleton } from '../components/Skeleton';
import { useTitle } from '../components/useTitle';
import { Link, navigate, useLocation } from '../router';
import { useVideos } from './useVideos';
import { VideoCard } from './VideoCard';
import './library.css';

const states: VideoState[] = ['CREATED', 'PROCESSING', 'PARTIALLY_READY', 'READY', 'FAILED', 'CANCELLED'];
const typingMs = 250;
const layoutKey = 'vora.library';

type Layout = 'grid' | 'list';

function storedLayout(): Layout {
  try {
    return localStorage.getItem(layoutKey) === 'list' ? 'list' : 'grid';
  } catch {
    return 'grid';
  }
}

export default function LibraryPage() {
  useTitle('Library');
  const { search } = useLocation();
  const asked = new URLSearchParams(search);
  const query = (asked.get('query') ?? '').slice(0, 200);
  const state = states.find((known) => known === asked.get('state')) ?? '';
  const label = /^[^=]+=/.test(asked.get('label') ?? '') ? asked.get('label')! : '';
  const [typed, setTyped] = useState(query);
  const [layout, setLayout] = useState(storedLayout);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const { videos, error, more, loadingMore, live, loadMore, reload } = useVideos({ query, state, label });

  useEffect(() => setTyped(query), [query]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const go = (next: { query?: string; state?: string; label?: string }) => {
    const parameters = new URLSearchParams();
    const wanted = { query, state, label, ...next };
    if (wanted.query) parameters.set('query', wanted.query);
    if (wanted.state) parameters.set('state', wanted.state);
    if (wanted.label) parameters.set('label', wanted.label);
    navigate(parameters.size ? `/?${parameters}` : '/', { replace: true });
  };
  const choose = (next: Layout) => {
    setLayout(next);
    try {
      localStorage.setItem(layoutKey, next);
    } catch {
      // Lasts for this page only, then.
    }
  };
  const filtered = query !== '' || state !== '' || label !== '';

  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>Library</h1>
        <LiveDot state={live} />
        <Link class="button primary" href="/upload" data-testid="upload-link">
          <Icon name="upload" size={18} /> Upload
        </Link>
      </div>
      <form class="library-tools" role="search" aria-label="Videos" onSubmit={(event) => event.preventDefault()}>
        <div class="search-field">
          <Icon name="search" />
          <input
            type="search"
            value={typed}
            maxLength={200}
            placeholder="Search by title or file name"
            aria-label="Search by title or file name"
            data-testid="search"
            onInput={(event) => {
              const text = event.currentTarget.value;
              setTyped(text);
              clearTimeout(timer.current);
              timer.current = setTimeout(() => go({ query: text.trim() }), typingMs);
            }}
          />
        </div>
        <select value={state} aria-label="State" data-testid="state-filter" onChange={(event) => go({ state: event.currentTarget.value })}>
          <option value="">All states</option>
          {states.map((known) => (
            <option key={known} value={known}>
              {stateText(known)}
            </option>
          ))}
        </select>
        <div class="layout-choice" role="group" aria-label="Layout">
          <IconButton icon="grid" label="Grid" aria-pressed={layout === 'grid'} onClick={() => choose('grid')} />
          <IconButton icon="list" label="List" aria-pressed={layout === 'list'} onClick={() => choose('list')} />
        </div>
      </form>
      {label && (
        <p class="label-filter" data-testid="label-filter">
          With the label <Label text={label} />
          <Button onClick={() => go({ label: '' })}>Show all</Button>
        </p>
      )}
      {error ? <ErrorNotice title="The videos could not be loaded" error={error} onRetry={reload} /> : null}
      {!videos && !error && <Placeholders layout={layout} />}
      {videos && videos.length > 0 && (
        <ul class={`videos ${layout}`} data-testid="videos">
          {videos.map((video) => (
            <VideoCard key={video.video_id} video={video} />
          ))}
        </ul>
      )}
      {videos?.length === 0 && !error && (filtered ? <NothingFound onClear={() => go({ query: '', state: '', label: '' })} /> : <FirstVideo />)}
      {more && (
        <div class="load-more">
          <Button busy={loadingMore} onClick={loadMore} testid="load-more">
            {loadingMore ? 'Loading…' : 'Load more'}
          </Button>
        </div>
      )}
      <p class="visually-hidden" role="status">
        {videos && filtered ? `${videos.length}${more ? ' or more' : ''} videos found` : ''}
      </p>
    </>
  );
}

function FirstVideo() {
  return (
    <EmptyState icon="film" title="Upload your first video" testid="empty">
      <p>Drop a file anywhere on this page. It plays as soon as its first seconds are encoded.</p>
      <Link class="button primary" href="/upload">
        <Icon name="upload" size={18} /> Upload a video
      </Link>
    </EmptyState>
  );
}

function NothingFound({ onClear }: { onClear: () => void }) {
  return (
    <EmptyState icon="search" title="No video matches" testid="no-match">
      <p>Try another word or another state.</p>
      <Button onClick={onClear}>Show all videos</Button>
    </EmptyState>
  );
}

function Placeholders({ layout }: { layout: Layout }) {
  return (
    <div role="status">
      <span class="visually-hidden">Loading the videos…</span>
      <ul class={`videos ${layout}`} aria-hidden="true">
        {Array.from({ length: 8 }, (_, index) => (
          <li key={index} class="video-card card">
            <div class="poster" />
            <div class="video-facts">
              <Skeleton width="70%" />
              <Skeleton width="40%" height={12} />
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}
