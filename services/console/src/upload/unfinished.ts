// Uploads this browser began and did not finish: tus-js-client keeps their addresses in localStorage.
import { defaultOptions, Upload, type PreviousUpload } from 'tus-js-client';

import { request } from '../api/client';
import { authorised } from './authorised';

export interface Unfinished {
  key: string; // in localStorage
  url: string;
  name: string;
  size: number;
  begunAt: string;
  received: number; // bytes the server has; -1: the server did not answer
}

type Stored = PreviousUpload & { uploadUrl?: string | null };

export async function listUnfinished(endpoint: string, signal?: AbortSignal): Promise<Unfinished[]> {
  const all = (await defaultOptions.urlStorage.findAllUploads()) as Stored[];
  const mine = all.filter((stored) => stored.uploadUrl?.startsWith(endpoint) && stored.urlStorageKey);
  const looked = await Promise.all(
    mine.map(async (stored): Promise<Unfinished | null> => {
      const received = await receivedBytes(stored.uploadUrl!, signal);
      if (received === 'gone' || received === stored.size) {
        await defaultOptions.urlStorage.removeUpload(stored.urlStorageKey);
        return null;
      }
      return {
        key: stored.urlStorageKey,
        url: stored.uploadUrl!,
        name: stored.metadata['filename'] ?? 'file',
        size: stored.size ?? 0,
        begunAt: new Date(stored.creationTime).toISOString(),
        received,
      };
    }),
  );
  return looked.filter((item) => item !== null).sort((a, b) => b.begunAt.localeCompare(a.begunAt));
}

async function receivedBytes(url: string, signal?: AbortSignal): Promise<number | 'gone'> {
  try {
    const response = await request(url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' }, signal: signal ?? null });
    if (response.status === 404 || response.status === 410) return 'gone';
    const offset = Number(response.headers.get('Upload-Offset') ?? -1);
    return response.ok && offset >= 0 ? offset : -1;
  } catch {
    return -1;
  }
}

// Deletes it on the server and forgets it here.
export async function discard(item: Unfinished): Promise<void> {
  try {
    await Upload.terminate(item.url, { ...authorised(), retryDelays: [500, 2000] });
  } catch (error) {
    // Gone already is as good.
    const status = (error as { originalResponse?: { getStatus(): number } | null }).originalResponse?.getStatus() ?? 0;
    if (status !== 404 && status !== 410) throw error;
  }
  await defaultOptions.urlStorage.removeUpload(item.key);
}
