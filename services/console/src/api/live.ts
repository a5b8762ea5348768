// Server-sent events that come back by themselves, and say whether they are live. Read by fetch, since an EventSource sends no token.
import { createParser, type EventSourceMessage, type ParserCallbacks } from 'eventsource-parser';
import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError, errorOf, isAbort, request } from './client';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'ended';

export interface LiveHandlers {
  // Data of a message, parsed as JSON. `event` is `message` unless the server named another.
  onMessage(data: unknown, event: string): void;
  onState?(state: LiveState): void;
  // The stream is open, the first time or again: what happened before may be missing.
  onOpen?(): void;
  events?: string[]; // named events to listen to besides `message`
}

const firstRetryMs = 1000;
const maxRetryMs = 15000;
const restAfterMs = 5000;

// Reads one stream, the sequel of what ended with `lastId`, to its end. Throws what broke it.
async function read(url: string, lastId: string, signal: AbortSignal, onOpen: () => void, callbacks: ParserCallbacks): Promise<void> {
  const headers: Record<string, string> = { Accept: 'text/event-stream' };
  if (lastId) headers['Last-Event-ID'] = lastId;
  const response = await request(url, { headers, signal, cache: 'no-store' });
  if (!response.ok) throw await errorOf(response);
  if (!response.headers.get('Content-Type')?.startsWith('text/event-stream')) throw new Error('no stream of events');
  onOpen();
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const parser = createParser(callbacks);
  for (;;) {
    const { done, value } = await reader.read();
    if (done || signal.aborted) return;
    parser.feed(decoder.decode(value, { stream: true }));
  }
}

// Until the returned function is called, or the server says that who is signed in may not see it.
// In a page that nobody sees the stream rests: over HTTP/1.1 a browser has six connections to a server for all its tabs, and a few
// forgotten ones would leave none for the one in front. A stream with ids goes on after the last one.
export function follow(url: string, handlers: LiveHandlers): () => void {
  let current: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restTimer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let lastId = '';
  let stopped = false;
  let resting = false;

  const open = async () => {
    const control = new AbortController();
    current = control;
    let retryMs = firstRetryMs;
    let problem: unknown = null;
    const opened = () => {
      failures = 0;
      handlers.onState?.('live');
      handlers.onOpen?.();
    };
    const onEvent = ({ id, event = 'message', data: text }: EventSourceMessage) => {
      if (id !== undefined) lastId = id;
      if (stopped || (event !== 'message' && !handlers.events?.includes(event))) return;
      let data: unknown;
      try {
        data = JSON.parse(text);
      } catch {
        return;
      }
      handlers.onMessage(data, event);
    };
    try {
      await read(url, lastId, control.signal, opened, { onEvent, onRetry: (advised) => (retryMs = Math.max(advised, firstRetryMs)) });
    } catch (error) {
      problem = error;
    }
    if (control.signal.aborted || isAbort(problem)) return;
    control.abort();
    const { status = 0, retryAfterSeconds = 0 } = problem instanceof ApiError ? problem : {};
    if (status === 401 || status === 403) return handlers.onState?.('ended');
    handlers.onState?.('reconnecting');
    const pause = retryMs * 2 ** failures;
    failures += 1;
    timer = setTimeout(open, Math.max(Math.min(pause, maxRetryMs), Math.min(retryAfterSeconds * 1000, maxRetryMs)));
  };
  const rest = () => {
    resting = true;
    clearTimeout(timer);
    current?.abort();
  };
  const look = () => {
    clearTimeout(restTimer);
    if (document.visibilityState === 'hidden') {
      restTimer = setTimeout(rest, restAfterMs);
    } else if (resting) {
      resting = false;
      failures = 0;
      handlers.onState?.('connecting');
      void open();
    }
  };
  handlers.onState?.('connecting');
  // A tab opened in the background begins when it is looked at.
  if (document.visibilityState === 'hidden') rest();
  else void open();
  document.addEventListener('visibilitychange', look);
  return () => {
    stopped = true;
    document.removeEventListener('visibilitychange', look);
    clearTimeout(restTimer);
    clearTimeout(timer);
    current?.abort();
    handlers.onState?.('ended');
  };
}

// `follow` for a component; url null: not connected. Handlers may change between renders.
export function useLive(url: string | null, handlers: Omit<LiveHandlers, 'onState'>): LiveState {
  const [state, setState] = useState<LiveState>('connecting');
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    if (!url) return undefined;
    const open = () => latest.current.onOpen?.();
    const message = (data: unknown, event: string) => latest.current.onMessage(data, event);
    return follow(url, { ...(handlers.events ? { events: handlers.events } : {}), onMessage: message, onOpen: open, onState: setState });
  }, [url]);
  return url ? state : 'ended';
}
