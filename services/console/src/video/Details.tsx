// Title and description, editable in place.
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { ApiError, messageOf, send } from '../api/client';
import type { UpdateVideo, Video } from '../api/schema';
import { Button } from '../components/Button';
import { ErrorNotice } from '../components/ErrorNotice';
import { toast } from '../components/Toast';

const limits = { title: 200, description: 5000 } as const;

interface Props {
  video: Video;
  editing: boolean;
  onEdit(editing: boolean): void;
  onSaved(video: Video): void;
}

export function Details({ video, editing, onEdit, onSaved }: Props) {
  if (editing) return <Form video={video} onEdit={onEdit} onSaved={onSaved} />;
  return (
    <>
      <h1 tabIndex={-1} data-testid="video-title">{video.title}</h1>
      {video.description && <p class="video-description" data-testid="video-description">{video.description}</p>}
    </>
  );
}

function Form({ video, onEdit, onSaved }: Omit<Props, 'editing'>) {
  const [title, setTitle] = useState(video.title);
  const [description, setDescription] = useState(video.description);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const first = useRef<HTMLInputElement>(null);
  const ids = { title: useId(), titleError: useId(), description: useId(), descriptionError: useId() };
  const field = error instanceof ApiError ? error.field : '';
  useEffect(() => first.current?.select(), []);

  const save = async () => {
    const change: UpdateVideo = {};
    if (title !== video.title) change.title = title;
    if (description !== video.description) change.description = description;
    if (Object.keys(change).length === 0) return onEdit(false);
    setBusy(true);
    setError(null);
    try {
      onSaved(await send<Video>('PATCH', `/v1/videos/${video.video_id}`, change));
      toast('Saved.');
      onEdit(false);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const problem = (name: string, id: string) =>
    field === name && (
      <p id={id} class="field-error" role="alert" data-testid={`${name}-error`}>
        {withoutField(messageOf(error), name)}
      </p>
    );
  return (
    <form
      class="details-form"
      aria-label="Title and description"
      data-testid="details-form"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={(event) => event.key === 'Escape' && onEdit(false)}
    >
      <h1 class="visually-hidden" tabIndex={-1}>{video.title}</h1>
      <div class="field">
        <label for={ids.title}>Title <Count text={title} limit={limits.title} /></label>
        <input
          id={ids.title}
          ref={first}
          value={title}
          required
          aria-invalid={field === 'title' || undefined}
          aria-describedby={field === 'title' ? ids.titleError : undefined}
          data-testid="title-input"
          onInput={(event) => setTitle(event.currentTarget.value)}
        />
        {problem('title', ids.titleError)}
      </div>
      <div class="field">
        <label for={ids.description}>Description <Count text={description} limit={limits.description} /></label>
        <textarea
          id={ids.description}
          rows={4}
          value={description}
          aria-invalid={field === 'description' || undefined}
          aria-describedby={field === 'description' ? ids.descriptionError : undefined}
          data-testid="description-input"
          onInput={(event) => setDescription(event.currentTarget.value)}
        />
        {problem('description', ids.descriptionError)}
      </div>
      {error && !['title', 'description'].includes(field) ? <ErrorNotice title="It could not be saved" error={error} /> : null}
      <div class="row">
        <Button variant="primary" type="submit" busy={busy} testid="save">
          {busy ? 'Saving…' : 'Save'}
        </Button>
        <Button onClick={() => onEdit(false)} testid="cancel-edit">
          Cancel
        </Button>
      </div>
    </form>
  );
}

// `title: at most 200` at the field `title` needs no name again.
const withoutField = (message: string, field: string) => {
  const text = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};

// As the server counts: Unicode characters.
function Count({ text, limit }: { text: string; limit: number }) {
  const length = [...text].length;
  if (length < limit * 0.8) return null;
  return (
    <span class={`count${length > limit ? ' over' : ''}`}>
      {length} of {limit}
    </span>
  );
}
