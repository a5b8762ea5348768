// Server-sent events that come back by themselves, and say whether they are live.
import { useEffect, useRef, useState } from 'preact/hooks';

import { withQuery } from './client';

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

// Until the returned function is called. A browser reconnects by itself unless the server answered an error; that is repeated here.
// In a page that nobody sees the stream rests: over HTTP/1.1 a browser has six connections to a server for all its tabs, and a few
// forgotten ones would leave none for the one in front. A stream with ids goes on behind the last one.
export function follow(url: string, handlers: LiveHandlers): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restTimer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let lastId = '';
  let stopped = false;
  let resting = false;

  const open = () => {
    source = new EventSource(withQuery(url, { last_event_id: lastId }));
    source.onopen = () => {
      failures = 0;
      handlers.onState?.('live');
      handlers.onOpen?.();
    };
    const receive = (message: MessageEvent<string>) => {
      lastId = message.lastEventId || lastId;
      let data: unknown;
      try {
        data = JSON.parse(message.data);
      } catch {
        return;
      }
      if (!stopped) handlers.onMessage(data, message.type);
    };
    source.onmessage = receive;
    for (const name of handlers.events ?? []) source.addEventListener(name, receive as EventListener);
    source.onerror = () => {
      if (stopped) return;
      handlers.onState?.('reconnecting');
      if (source?.readyState !== EventSource.CLOSED) return;
      source.close();
      failures += 1;
      timer = setTimeout(open, Math.min(firstRetryMs * 2 ** (failures - 1), maxRetryMs));
    };
  };
  const rest = () => {
    resting = true;
    clearTimeout(timer);
    source?.close();
  };
  const look = () => {
    clearTimeout(restTimer);
    if (document.visibilityState === 'hidden') {
      restTimer = setTimeout(rest, restAfterMs);
    } else if (resting) {
      resting = false;
      failures = 0;
      handlers.onState?.('connecting');
      open();
    }
  };
  handlers.onState?.('connecting');
  // A tab opened in the background begins when it is looked at.
  if (document.visibilityState === 'hidden') rest();
  else open();
  document.addEventListener('visibilitychange', look);
  return () => {
    stopped = true;
    document.removeEventListener('visibilitychange', look);
    clearTimeout(restTimer);
    clearTimeout(timer);
    source?.close();
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
