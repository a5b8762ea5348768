// One file on its way: checksum, tus, then its video. Knows nothing of the others.
import { Upload, type PreviousUpload } from 'tus-js-client';

import { ApiError, isAbort, send } from '../api/client';
import type { CreateVideo, Video } from '../api/schema';
import { session } from '../session/session';
import { authorised } from './authorised';
import { checksum, Unreadable } from './checksum';
import { answerOf, isPassing, problemOf, unreadable, type Problem } from './problems';

export type Phase = 'queued' | 'checking' | 'ready' | 'uploading' | 'paused' | 'offline' | 'signed-out' | 'finishing' | 'done' | 'failed';

const retryDelays = [0, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000];
const createAttempts = 8;

export class Transfer {
  phase: Phase = 'queued';
  checked = 0; // bytes hashed
  sent = 0;
  resumedFrom = 0; // bytes the server had already
  interrupted = false; // the connection broke; trying again by itself
  problem: Problem | null = null;
  video: Video | null = null;

  private sha256 = '';
  private previous: PreviousUpload | null = null;
  private looked = false;
  private upload: Upload | null = null;
  private hashing: AbortController | null = null;

  constructor(
    readonly id: number,
    readonly file: File,
    private readonly endpoint: string,
    private readonly ladder: string, // empty: the default
    private readonly changed: (transfer: Transfer, phaseChanged: boolean) => void,
  ) {}

  get active(): boolean {
    return ['queued', 'checking', 'ready', 'uploading', 'offline', 'signed-out', 'finishing'].includes(this.phase);
  }

  // Finds an earlier upload of the same file, else computes the checksum. Ends in `ready` or `failed`, or where pause() and cancel() put it.
  async prepare(): Promise<void> {
    this.to('checking');
    if (!this.looked) {
      const earlier = await this.make(null).findPreviousUploads();
      earlier.sort((a, b) => b.creationTime.localeCompare(a.creationTime));
      this.previous = earlier[0] ?? null;
      this.looked = true;
    }
    if (this.phase !== 'checking') return;
    if (!this.previous && !this.sha256) {
      const control = new AbortController();
      this.hashing = control;
      try {
        this.sha256 = await checksum(this.file, control.signal, (bytes) => {
          this.checked = bytes;
          this.changed(this, false);
        });
      } catch (error) {
        if (!isAbort(error)) this.fail(error instanceof Unreadable ? unreadable : problemOf(error, this.endpoint));
        return;
      }
    }
    if (this.phase === 'checking') this.to('ready');
  }

  start(): void {
    this.to('uploading');
    if (!this.upload) {
      this.upload = this.make(this.previous);
      if (this.previous) this.upload.resumeFromPreviousUpload(this.previous);
    }
    this.upload.start();
  }

  pause(): void {
    if (!this.active || this.phase === 'finishing') return;
    this.to('paused');
    this.hashing?.abort();
    void this.upload?.abort();
  }

  // Back into the queue; goes on where it was.
  resume(): void {
    if (this.phase === 'failed' && this.problem?.again === 'anew') this.forget();
    this.problem = null;
    this.interrupted = false;
    this.to(this.sha256 || this.previous || this.upload?.url ? 'ready' : 'queued');
  }

  async cancel(): Promise<void> {
    this.hashing?.abort();
    this.to('paused');
    try {
      await this.upload?.abort(Boolean(this.upload.url));
    } catch {
      // What could not be deleted expires on the server.
    }
  }

  private forget(): void {
    this.upload = null;
    this.previous = null;
    this.sha256 = '';
    this.sent = 0;
    this.resumedFrom = 0;
  }

  private make(previous: PreviousUpload | null): Upload {
    const metadata: Record<string, string> = previous?.metadata ?? { filename: this.file.name };
    if (!previous && this.file.type) metadata['filetype'] = this.file.type;
    if (!previous && this.sha256) metadata['sha256'] = this.sha256;
    if (!previous && this.ladder) metadata['ladder'] = this.ladder;
    let first = true;
    const upload = new Upload(this.file, {
      endpoint: this.endpoint,
      ...authorised(),
      retryDelays,
      metadata,
      removeFingerprintOnSuccess: true,
      onProgress: (sent) => {
        // The first report of a resumed upload is what the server has.
        if (first && upload.url && previous) this.resumedFrom = sent;
        first = false;
        this.sent = sent;
        this.interrupted = false;
        this.changed(this, false);
      },
      onShouldRetry: (error) => {
        if (!navigator.onLine || !isPassing(error)) return false;
        this.interrupted = true;
        this.changed(this, true);
        return true;
      },
      onSuccess: () => void this.finish(),
      onError: (error) => {
        if (this.phase !== 'uploading') return;
        if (!navigator.onLine) this.waitForNetwork();
        else if (answerOf(error).status === 401 && !session.token) void this.waitForSignIn();
        else this.fail(problemOf(error, this.endpoint));
      },
    });
    return upload;
  }

  private waitForNetwork(): void {
    this.to('offline');
    const back = () => {
      if (this.phase === 'offline') this.to('ready');
    };
    window.addEventListener('online', back, { once: true });
  }

  private async waitForSignIn(): Promise<void> {
    this.to('signed-out');
    await session.signedIn();
    if (this.phase === 'signed-out') this.to('ready');
  }

  // The video of the finished upload, titled by its file name. It makes itself, too; asking for it by its upload gives the same one.
  async finish(): Promise<void> {
    this.sent = this.file.size;
    this.to('finishing');
    const upload_id = this.upload!.url!.split('/').pop()!;
    for (let attempt = 1; ; ++attempt) {
      try {
        this.video = await send<Video>('POST', '/v1/videos', { upload_id } satisfies CreateVideo);
        break;
      } catch (error) {
        const failed = error instanceof ApiError ? error : null;
        if (failed?.status === 401 && !session.token) {
          await session.signedIn();
          continue;
        }
        if (!failed?.transient || attempt === createAttempts) {
          this.fail({ message: failed?.message ?? String(error), advice: 'The file arrived in full; its video appears in the library by itself.', again: 'never' });
          return;
        }
        const wait = Math.max(failed.retryAfterSeconds * 1000, Math.min(300 * 2 ** attempt, 5000));
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
    this.to('done');
  }

  private fail(problem: Problem): void {
    this.problem = problem;
    this.to('failed');
  }

  private to(phase: Phase): void {
    this.phase = phase;
    this.changed(this, true);
  }
}
