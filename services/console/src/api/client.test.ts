import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { session } from '../session/session';
import { ApiError, get, send } from './client';

const realFetch = globalThis.fetch;
let answer: () => Response;
let asked: { url: string; headers: Record<string, string> }[];
beforeEach(() => {
  asked = [];
  session.open(null);
  globalThis.fetch = (async (url: string, init: RequestInit) => {
    asked.push({ url, headers: init.headers as Record<string, string> });
    return answer();
  }) as typeof fetch;
});
afterEach(() => {
  globalThis.fetch = realFetch;
  session.signOut();
});

const refusal = (status: number, message: string, headers: Record<string, string> = {}) => () => Response.json({ error: { code: 'X', message } }, { status, headers });
const failure = async (call: Promise<unknown>): Promise<ApiError> => {
  const error = await call.then(() => assert.fail('it went through'), (problem: unknown) => problem);
  assert.ok(error instanceof ApiError, String(error));
  return error;
};

test('requests carry the token, and none when nobody is signed in', async () => {
  answer = () => Response.json({ n: 1 });
  assert.deepEqual(await get('/v1/videos', { query: { query: 'a b', state: '' } }), { n: 1 });
  session.signIn('a.b.c');
  await send('POST', '/v1/videos', { x: 1 });
  assert.deepEqual(asked, [
    { url: '/v1/videos?query=a+b', headers: {} },
    { url: '/v1/videos', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer a.b.c' } },
  ]);
});

test('a token that is not taken any more ends the session, with the reason', async () => {
  session.signIn('a.b.c');
  answer = refusal(401, 'the token has expired');
  assert.equal((await failure(get('/v1/videos'))).status, 401);
  assert.deepEqual([session.token, session.reason, session.refusal], ['', 'expired', 'the token has expired']);
});

test('a missing scope is named', async () => {
  session.signIn('a.b.c');
  answer = refusal(403, 'the token does not have the scope `operate`', { 'WWW-Authenticate': 'Bearer realm="vora", error="insufficient_scope", scope="operate"' });
  const error = await failure(get('/v1/fleet'));
  assert.match(error.message, /does not have the scope “operate”/);
  assert.equal(error.transient, false);
  assert.equal(session.token, 'a.b.c', 'the session goes on');
});

test('answers without a body, errors that are no JSON, and no answer at all', async () => {
  answer = () => new Response(null, { status: 204 });
  assert.equal(await send('DELETE', '/v1/videos/v'), undefined);
  answer = () => new Response('<html>', { status: 503, headers: { 'Retry-After': '7' } });
  const busy = await failure(get('/v1/videos'));
  assert.deepEqual([busy.code, busy.transient, busy.retryAfterSeconds], ['HTTP_503', true, 7]);
  answer = () => {
    throw new TypeError('fetch failed');
  };
  assert.deepEqual((await failure(get('/v1/videos'))).code, 'NETWORK');
});
