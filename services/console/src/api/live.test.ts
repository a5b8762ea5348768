import assert from 'node:assert/strict';
import { test } from 'node:test';

import { follow } from './live';

// A stream that a test feeds; the real fetch breaks its body when the request is given up.
class Source {
  static all: Source[] = [];
  static status = 200;
  private control!: ReadableStreamDefaultController<Uint8Array>;
  readonly response: Response;
  constructor(readonly url: string, readonly init: RequestInit) {
    Source.all.push(this);
    const body = new ReadableStream<Uint8Array>({ start: (control) => void (this.control = control) });
    init.signal!.addEventListener('abort', () => this.control.error(new DOMException('gone', 'AbortError')));
    this.response =
      Source.status === 200
        ? new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
        : Response.json({ error: { code: 'X', message: 'no' } }, { status: Source.status });
  }
  get open(): boolean {
    return !this.init.signal!.aborted;
  }
  get lastId(): string | undefined {
    return (this.init.headers as Record<string, string>)['Last-Event-ID'];
  }
  say(text: string): void {
    this.control.enqueue(new TextEncoder().encode(text));
  }
  end(): void {
    this.control.close();
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

test('a stream rests in a page that nobody sees, goes on after its last message, and ends where nobody may listen', async (context) => {
  const { setTimeout, clearTimeout, fetch } = globalThis;
  context.after(() => Object.assign(globalThis, { setTimeout, clearTimeout, fetch }));
  // Promises and streams run to where they wait for something.
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  };
  const pass = fakeTimers();
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  Object.assign(globalThis, { document: page, fetch: async (url: string, init: RequestInit) => new Source(url, init).response });
  const show = (state: string) => {
    page.visibilityState = state;
    page.dispatchEvent(new Event('visibilitychange'));
  };
  const newest = () => Source.all.at(-1)!;
  const got: unknown[] = [];
  const states: string[] = [];
  const stop = follow('/v1/events', { events: ['deleted'], onMessage: (data, event) => got.push([event, data]), onState: (state) => states.push(state) });
  const [first] = Source.all;
  await settle();
  assert.deepEqual(states, ['connecting', 'live']);
  first!.say('id: 41\ndata: {"n":1}\n\ndata: no JSON\n\nevent: deleted\ndata: {"n":2}\n\nevent: other\ndata: {"n":3}\n\n');
  await settle();
  assert.deepEqual(got, [['message', { n: 1 }], ['deleted', { n: 2 }]]);

  show('hidden');
  pass(3000);
  show('visible');
  pass(60_000);
  assert.ok(first!.open, 'a short look elsewhere changes nothing');

  show('hidden');
  pass(60_000);
  await settle();
  assert.ok(!first!.open);
  assert.equal(Source.all.length, 1);
  show('visible');
  assert.equal(newest().lastId, '41');
  await settle();

  // Ended by the server: opened again after a moment, after the same message; later and later while it fails.
  newest().say('retry: 2000\n\n');
  await settle();
  newest().end();
  await settle();
  Source.status = 503;
  pass(2000);
  assert.equal(Source.all.length, 3);
  assert.equal(newest().lastId, '41');
  await settle();
  pass(1000);
  assert.equal(Source.all.length, 3, 'a failure is followed by a longer pause');
  pass(1000);
  assert.equal(Source.all.length, 4);
  await settle();
  assert.equal(states.at(-1), 'reconnecting');
  stop();
  assert.ok(!newest().open);
  show('hidden');
  show('visible');
  pass(60_000);
  assert.equal(Source.all.length, 4);

  show('hidden');
  const background = follow('/v1/events', { onMessage: () => {} });
  pass(60_000);
  assert.equal(Source.all.length, 4, 'a tab opened in the background waits');
  show('visible');
  assert.equal(Source.all.length, 5);
  background();

  Source.status = 403;
  const refused: string[] = [];
  follow('/v1/fleet/events', { onMessage: () => {}, onState: (state) => refused.push(state) });
  await settle();
  pass(60_000);
  assert.equal(Source.all.length, 6, 'a refusal stays one');
  assert.deepEqual(refused, ['connecting', 'ended']);
});
