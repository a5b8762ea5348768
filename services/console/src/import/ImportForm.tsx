import { useId, useState } from 'preact/hooks';

import { ApiError, messageOf, send } from '../api/client';
import type { ImportVideo, Source, Video } from '../api/schema';
import { Button } from '../components/Button';
import { Notice } from '../components/Notice';
import { LadderSelect } from '../ladders/LadderSelect';
import { navigate } from '../router';
import { parseLabels } from './labels';

const byUrl = '';

// One file. The request has a name of its own, so that sending it again after a broken answer makes no second video.
export function ImportForm({ sources }: { sources: Source[] }) {
  const [from, setFrom] = useState(byUrl);
  const [place, setPlace] = useState('');
  const [title, setTitle] = useState('');
  const [externalId, setExternalId] = useState('');
  const [labels, setLabels] = useState('');
  const [ladder, setLadder] = useState('');
  const [requestId, setRequestId] = useState(newId);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const ids = { from: useId(), place: useId(), title: useId(), external: useId(), labels: useId(), problem: useId() };

  const submit = async () => {
    setBusy(true);
    setProblem('');
    try {
      const body: ImportVideo = { source: from === byUrl ? { url: place.trim() } : { name: from, key: place.trim() }, request_id: requestId, title, external_id: externalId, ladder, labels: parseLabels(labels) };
      const video = await send<Video>('POST', '/v1/videos', body);
      navigate(`/watch/${video.video_id}`);
    } catch (error) {
      // What was refused did nothing: the corrected request is another one.
      if (error instanceof ApiError && !error.transient) setRequestId(newId());
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <form
      class="card padded stack import-form"
      aria-label="Import a file"
      data-testid="import-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {sources.length > 0 && (
        <div class="field">
          <label for={ids.from}>From</label>
          <select id={ids.from} value={from} data-testid="import-from" onChange={(event) => setFrom(event.currentTarget.value)}>
            <option value={byUrl}>A web address</option>
            {sources.map(({ name, location }) => (
              <option key={name} value={name}>
                {name} ({location})
              </option>
            ))}
          </select>
        </div>
      )}
      <div class="field">
        <label for={ids.place}>{from === byUrl ? 'Address of the file' : 'Path of the file in the source'}</label>
        <input
          id={ids.place}
          type={from === byUrl ? 'url' : 'text'}
          value={place}
          required
          maxLength={from === byUrl ? 2000 : 1024}
          placeholder={from === byUrl ? 'https://example.com/film.mp4' : 'films/film.mkv'}
          aria-describedby={problem ? ids.problem : undefined}
          data-testid="import-place"
          onInput={(event) => setPlace(event.currentTarget.value)}
        />
      </div>
      <LadderSelect value={ladder} onChange={setLadder} />
      <details>
        <summary>Title, external id and labels</summary>
        <div class="stack import-more">
          <div class="field">
            <label for={ids.title}>Title</label>
            <input id={ids.title} value={title} maxLength={200} placeholder="The file's name" data-testid="import-title" onInput={(event) => setTitle(event.currentTarget.value)} />
          </div>
          <div class="field">
            <label for={ids.external}>External id</label>
            <input id={ids.external} value={externalId} maxLength={200} placeholder="What it is called where it comes from" data-testid="import-external-id" onInput={(event) => setExternalId(event.currentTarget.value)} />
          </div>
          <div class="field">
            <label for={ids.labels}>Labels, one a line</label>
            <textarea id={ids.labels} rows={3} value={labels} placeholder="show=news" data-testid="import-labels" onInput={(event) => setLabels(event.currentTarget.value)} />
          </div>
        </div>
      </details>
      {problem && (
        <div id={ids.problem} role="alert">
          <Notice tone="bad" title={problem} testid="import-problem" />
        </div>
      )}
      <div>
        <Button type="submit" variant="primary" icon="link" busy={busy} disabled={!place.trim()} testid="import-submit">
          Import
        </Button>
      </div>
    </form>
  );
}

// crypto.randomUUID needs a secure page, which a console inside a network may not be.
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
