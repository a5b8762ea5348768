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

test('a stream rests in a page that nobody sees, and goes on behind its last message', ({ mock }) => {
  mock.timers.enable(['setTimeout']);
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
  mock.timers.tick(3000);
  show('visible');
  mock.timers.tick(60_000);
  assert.equal(first!.readyState, 1, 'a short look elsewhere changes nothing');

  show('hidden');
  mock.timers.tick(60_000);
  assert.equal(first!.readyState, Source.CLOSED);
  assert.equal(Source.all.length, 1);
  show('visible');
  assert.equal(Source.all.at(-1)!.url, '/v1/events?last_event_id=41');

  // Refused by the server: tried again later, behind the same message.
  const second = Source.all.at(-1)!;
  second.close();
  second.onerror!();
  mock.timers.tick(1000);
  assert.equal(Source.all.length, 3);
  assert.equal(Source.all.at(-1)!.url, '/v1/events?last_event_id=41');
  stop();
  assert.equal(Source.all.at(-1)!.readyState, Source.CLOSED);
  show('hidden');
  show('visible');
  mock.timers.tick(60_000);
  assert.equal(Source.all.length, 3);

  show('hidden');
  const background = follow('/v1/events', { onMessage: () => {} });
  mock.timers.tick(60_000);
  assert.equal(Source.all.length, 3, 'a tab opened in the background waits');
  show('visible');
  assert.equal(Source.all.length, 4);
  background();
});
