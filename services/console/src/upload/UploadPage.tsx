import { useEffect, useReducer, useRef, useState } from 'preact/hooks';

import { useLive } from '../api/live';
import { isRunning } from '../api/running';
import type { Video } from '../api/schema';
import { Button } from '../components/Button';
import { ErrorNotice } from '../components/ErrorNotice';
import { Icon } from '../components/Icon';
import { useTitle } from '../components/useTitle';
import { LadderSelect } from '../ladders/LadderSelect';
import { uploads } from './queue';
import { TransferRow } from './TransferRow';
import { UnfinishedList } from './UnfinishedList';
import './upload.css';

const accepted = 'video/*,.mkv,.mov,.mp4,.m4v,.webm,.avi,.ts,.mts,.mxf,.flv,.wmv,.mpg,.mpeg,.ogv,.3gp';

export default function UploadPage() {
  useTitle('Upload');
  const [, rerender] = useReducer((count: number) => count + 1, 0);
  const [error, setError] = useState<unknown>(null);
  const [endpoint, setEndpoint] = useState('');
  const [announcement, setAnnouncement] = useState('');
  const picker = useRef<HTMLInputElement>(null);
  const said = useRef(new Map<number, string>());

  const begin = () => {
    setError(null);
    uploads.uploadUrl().then(setEndpoint, setError);
  };
  useEffect(begin, []);

  useEffect(() => {
    const update = () => {
      for (const { id, phase, file } of uploads.transfers) {
        if (said.current.get(id) === phase) continue;
        said.current.set(id, phase);
        const texts: Record<string, string> = { done: 'uploaded', failed: 'failed', paused: 'paused', offline: 'waits for the network' };
        if (texts[phase]) setAnnouncement(`${file.name}: ${texts[phase]}`);
      }
      rerender(0);
    };
    return uploads.subscribe(update);
  }, []);

  // What becomes of the videos, while one of them is processed.
  const follow = uploads.transfers.some(({ video }) => video && isRunning(video));
  useLive(follow ? '/v1/events' : null, {
    onOpen: () => void uploads.refreshVideos(),
    onMessage: (data, event) => event === 'message' && uploads.noteVideo(data as Video),
  });

  const add = (files: FileList | null) => {
    if (!files?.length) return;
    setError(null);
    uploads.add([...files]).catch(setError);
  };
  const done = uploads.transfers.filter(({ phase }) => phase === 'done').length;

  return (
    <div class="stack upload-page">
      <div class="page-head">
        <h1 tabIndex={-1}>Upload</h1>
      </div>
      {error ? <ErrorNotice title="Uploads are not possible right now" error={error} onRetry={begin} /> : null}
      <section class="drop-box" aria-label="Choose files" data-testid="drop-box">
        <span class="empty-icon"><Icon name="upload" size={32} /></span>
        <div>
          <p class="drop-title">Drop videos here, or anywhere on the page</p>
          <p class="muted small">Any format FFmpeg reads. Uploads go on after an interruption, and even after the browser was closed.</p>
        </div>
        <Button variant="primary" icon="film" onClick={() => picker.current?.click()} testid="choose-files">
          Choose files
        </Button>
        <input
          ref={picker}
          type="file"
          multiple
          accept={accepted}
          class="visually-hidden"
          tabIndex={-1}
          aria-label="Video files"
          data-testid="file-input"
          onChange={(event) => {
            add(event.currentTarget.files);
            event.currentTarget.value = '';
          }}
        />
      </section>
      <LadderSelect value={uploads.ladder} onChange={(name) => uploads.choose(name)} />
      {uploads.transfers.length > 0 && (
        <section class="stack" aria-labelledby="uploads-heading">
          <div class="row">
            <h2 id="uploads-heading" class="grow">{uploads.transfers.length === 1 ? '1 file' : `${uploads.transfers.length} files`}</h2>
            {done > 0 && (
              <Button variant="plain" onClick={() => uploads.clearDone()} testid="clear-done">
                Clear finished
              </Button>
            )}
          </div>
          <ul class="card transfers" data-testid="transfers">
            {uploads.transfers.map((transfer) => (
              <TransferRow key={transfer.id} transfer={transfer} rerender={() => rerender(0)} />
            ))}
          </ul>
        </section>
      )}
      {endpoint && <UnfinishedList endpoint={endpoint} busy={uploads.transfers.map(({ file }) => ({ name: file.name, size: file.size }))} onFiles={add} accepted={accepted} />}
      <p class="visually-hidden" role="status" aria-live="polite">{announcement}</p>
    </div>
  );
}
