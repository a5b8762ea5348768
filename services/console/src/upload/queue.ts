// The uploads of this page: checksums one after the other, two files at a time on the wire, the rest wait. Goes on while pages change.
import { get } from '../api/client';
import { config } from '../api/config';
import { isRunning } from '../api/running';
import type { Video } from '../api/schema';
import { session } from '../session/session';
import { activity } from './activity';
import { emptyFile } from './problems';
import { TransferRate } from './rate';
import { Transfer } from './transfer';

const atOnce = 2;
const notifyMs = 150;

class UploadQueue {
  readonly transfers: Transfer[] = [];
  ladder = ''; // of files that are added from now on; empty: the default
  private readonly rates = new Map<number, TransferRate>();
  private readonly listeners = new Set<() => void>();
  private nextId = 1;
  private hashing = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    window.addEventListener('beforeunload', (event) => {
      if (this.transfers.some((transfer) => transfer.active)) event.preventDefault();
    });
    session.onForget(() => this.forget());
  }

  // Where uploads go.
  async uploadUrl(): Promise<string> {
    return (await config()).upload_url;
  }

  // Nothing is sent or shown any more; what the server has goes on when the file is chosen again.
  private forget(): void {
    for (const transfer of this.transfers.splice(0)) transfer.pause();
    this.notify();
  }

  choose(ladder: string): void {
    this.ladder = ladder;
    this.notify();
  }

  // The ones added. A file that is in the list already is not added twice.
  async add(files: File[]): Promise<Transfer[]> {
    const endpoint = await this.uploadUrl();
    const added: Transfer[] = [];
    for (const file of files) {
      const same = this.transfers.find(
        (other) => other.phase !== 'done' && other.file.name === file.name && other.file.size === file.size && other.file.lastModified === file.lastModified,
      );
      if (same) {
        if (same.phase === 'paused' || same.phase === 'failed') this.resume(same);
        continue;
      }
      const transfer = new Transfer(this.nextId++, file, endpoint, this.ladder, (changed, phase) => this.changed(changed, phase));
      if (file.size === 0) {
        transfer.problem = emptyFile;
        transfer.phase = 'failed';
      }
      this.transfers.push(transfer);
      this.rates.set(transfer.id, new TransferRate());
      added.push(transfer);
    }
    this.work();
    this.notify();
    return added;
  }

  resume(transfer: Transfer): void {
    transfer.resume();
  }

  async remove(transfer: Transfer): Promise<void> {
    const index = this.transfers.indexOf(transfer);
    if (index >= 0) this.transfers.splice(index, 1);
    this.notify();
    if (transfer.phase !== 'done') await transfer.cancel();
    this.work();
  }

  clearDone(): void {
    const rest = this.transfers.filter((transfer) => transfer.phase !== 'done');
    this.transfers.splice(0, this.transfers.length, ...rest);
    this.notify();
  }

  noteVideo(video: Video): void {
    const transfer = this.transfers.find((candidate) => candidate.video?.video_id === video.video_id);
    if (!transfer || transfer.video!.version >= video.version) return;
    transfer.video = video;
    this.notify();
  }

  // What became of the videos while nobody listened.
  async refreshVideos(): Promise<void> {
    for (const { video } of [...this.transfers]) {
      if (!video || !isRunning(video)) continue;
      try {
        this.noteVideo(await get<Video>(`/v1/videos/${encodeURIComponent(video.video_id)}`));
      } catch {
        // Deleted, or not reachable: the stream tells when it is back.
      }
    }
  }

  rate(transfer: Transfer): TransferRate {
    return this.rates.get(transfer.id)!;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  private changed(transfer: Transfer, phaseChanged: boolean): void {
    const rate = this.rates.get(transfer.id);
    if (transfer.phase === 'uploading' && !phaseChanged) rate?.update(transfer.sent, performance.now());
    if (phaseChanged) {
      rate?.reset();
      this.work();
    }
    this.notify();
  }

  // Starts what may start now.
  private work(): void {
    const sending = this.transfers.filter((transfer) => transfer.phase === 'uploading').length;
    let free = atOnce - sending;
    for (const transfer of this.transfers) {
      if (free <= 0) break;
      if (transfer.phase !== 'ready') continue;
      free -= 1;
      transfer.start();
    }
    const next = this.transfers.find((transfer) => transfer.phase === 'queued');
    if (!next || this.hashing) return;
    this.hashing = true;
    void next.prepare().finally(() => {
      this.hashing = false;
      this.work();
    });
  }

  private notify(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const active = this.transfers.filter((transfer) => transfer.active);
      const total = active.reduce((sum, transfer) => sum + transfer.file.size, 0);
      const sent = active.reduce((sum, transfer) => sum + transfer.sent, 0);
      activity.set({ active: active.length, percent: total > 0 ? Math.floor((sent / total) * 100) : 0 });
      this.listeners.forEach((listener) => listener());
    }, notifyMs);
  }
}

export const uploads = new UploadQueue();
