export class Unreadable extends Error {}

// The whole file's SHA-256 as 64 hex digits, which the server verifies at the end. Ends with AbortError when `signal` says so.
export function checksum(file: File, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./checksum.worker.ts', import.meta.url), { type: 'module' });
    const end = (act: () => void) => {
      worker.terminate();
      signal.removeEventListener('abort', stop);
      act();
    };
    const stop = () => end(() => reject(new DOMException('stopped', 'AbortError')));
    signal.addEventListener('abort', stop);
    worker.onerror = (event) => end(() => reject(new Error(event.message || 'the checksum could not be computed')));
    worker.onmessage = ({ data }: MessageEvent<{ done?: number; sha256?: string; error?: string }>) => {
      if (data.done !== undefined) onProgress(data.done);
      else if (data.sha256) end(() => resolve(data.sha256!));
      else end(() => reject(new Unreadable(data.error)));
    };
    worker.postMessage({ file });
  });
}
