import assert from 'node:assert/strict';
import { test } from 'node:test';

import { follow } from './live';

class Source {
  static all: Source[] = [];
  static CLOSED = 2;
  readyState = 1;
  onopen?: () => void;
  onmessage?: (message: object) => void;
  onerror?: () => void;
  constructor(readonly url: string) {
    Source.all.push(this);
  }
  addEventListener(): void {}
  close(): void {
    this.readyState = Source.CLOSED;
  }
}

// Timers that run when the test says so; gives what lets time pass.
function fakeTimers(): (ms: number) => void {
  let now = 0;
  let next = 1;
  const due = new Map<number, [number, () => void]>();
  const set = (act: () => void, ms: number) => {
    due.set(next, [now + ms, act]);
    return next++;
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: (id: number) => due.delete(id) });
  return (ms) => {
    now += ms;
    for (const [id, [at, act]] of [...due]) {
      if (at <= now && due.delete(id)) act();
    }
  };
}

test('a stream rests in a page that nobody sees, and goes on behind its last message', (context) => {
  const { setTimeout, clearTimeout } = globalThis;
  const pass = fakeTimers();
  context.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  Object.assign(globalThis, { document: page, EventSource: Source });
  const show = (state: string) => {
    page.visibilityState = state;
    page.dispatchEvent(new Event('visibilitychange'));
  };
  const got: unknown[] = [];
  const stop = follow('/v1/events', { onMessage: (data) => got.push(data) });
  const [first] = Source.all;
  first!.onmessage!({ data: '{"n":1}', lastEventId: '41', type: 'message' });
  first!.onmessage!({ data: 'no JSON', lastEventId: '', type: 'message' });
  assert.deepEqual(got, [{ n: 1 }]);

  show('hidden');
  pass(3000);
  show('visible');
  pass(60_000);
  assert.equal(first!.readyState, 1, 'a short look elsewhere changes nothing');

  show('hidden');
  pass(60_000);
  assert.equal(first!.readyState, Source.CLOSED);
  assert.equal(Source.all.length, 1);
  show('visible');
  assert.equal(Source.all.at(-1)!.url, '/v1/events?last_event_id=41');

  // Refused by the server: tried again later, behind the same message.
  const second = Source.all.at(-1)!;
  second.close();
  second.onerror!();
  pass(1000);
  assert.equal(Source.all.length, 3);
  assert.equal(Source.all.at(-1)!.url, '/v1/events?last_event_id=41');
  stop();
  assert.equal(Source.all.at(-1)!.readyState, Source.CLOSED);
  show('hidden');
  show('visible');
  pass(60_000);
  assert.equal(Source.all.length, 3);

  show('hidden');
  const background = follow('/v1/events', { onMessage: () => {} });
  pass(60_000);
  assert.equal(Source.all.length, 3, 'a tab opened in the background waits');
  show('visible');
  assert.equal(Source.all.length, 4);
  background();
});
