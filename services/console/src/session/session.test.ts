import assert from 'node:assert/strict';
import { test } from 'node:test';

import { accessOf, may } from './access';
import { Session } from './session';
import { claimsOf, tidy } from './token';

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenOf = (claims: object) => `${part({ alg: 'HS256' })}.${part(claims)}.c2ln`;
const alice = tokenOf({ sub: 'Alice Müller', tenant: 'acme', exp: 1_700_000_000, scope: 'read upload' });
const bob = tokenOf({ sub: 'bob', tenant: 'acme' });

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

test('claims are shown as they are, and text that is no token has none', () => {
  assert.deepEqual(claimsOf(alice), { subject: 'Alice Müller', tenant: 'acme', scopes: ['read', 'upload'], expiresAt: 1_700_000_000_000 });
  assert.deepEqual(claimsOf(tokenOf({ scp: ['read'], exp: 'soon', sub: 5 })), { subject: '', tenant: '', scopes: ['read'], expiresAt: null });
  for (const bad of ['', 'letmein', 'a.b', 'a.b.c', `${alice}.more`, `x.${part([1])}.y`, `x.${part(null)}.y`, 'a.é.c']) assert.equal(claimsOf(bad), null, bad);
});

test('what was copied along with a token is taken off', () => {
  for (const pasted of [alice, ` ${alice}\n`, `Bearer ${alice}`, `Authorization: bearer ${alice}`, `"${alice}"`, alice.replace('.', '.\n  ')]) {
    assert.equal(tidy(pasted), alice);
  }
});

test('a token is kept for the tab, ends when the server does not take it, and is forgotten', () => {
  const tab = storage();
  const session = new Session();
  session.open(tab);
  session.signIn(alice);
  const reloaded = new Session();
  reloaded.open(tab);
  assert.equal(reloaded.token, alice);

  session.refused(bob, 'of a request before');
  assert.equal(session.token, alice);
  session.refused(alice, 'the token has expired');
  assert.deepEqual([session.token, session.reason, session.refusal], ['', 'expired', 'the token has expired']);
  session.refused('', 'no token');
  assert.deepEqual([session.reason, session.refusal], ['expired', 'the token has expired'], 'the reason stays until somebody signs in');
  session.signIn(alice);
  assert.equal(session.reason, '');
  session.signOut();
  assert.deepEqual([session.token, session.reason, tab.getItem('vora.token')], ['', 'signed-out', null]);
});

test('what belongs to one is forgotten before another comes, and kept for the same', () => {
  const session = new Session();
  session.open(null);
  let forgotten = 0;
  session.onForget(() => (forgotten += 1));
  session.signIn(alice);
  session.refused(alice, 'the token has expired');
  session.signIn(tokenOf({ sub: 'Alice Müller', tenant: 'acme', exp: 1_800_000_000 }));
  assert.equal(forgotten, 0);
  session.refused(session.token, 'the token has expired');
  session.signIn(bob);
  assert.equal(forgotten, 1);
  session.signOut();
  assert.equal(forgotten, 2);
});

test('who waits for a token goes on when there is one', async () => {
  const session = new Session();
  session.open(null);
  let on = false;
  const waiting = session.signedIn().then(() => (on = true));
  session.know(true);
  await Promise.resolve();
  assert.equal(on, false);
  session.signIn(alice);
  await waiting;
  assert.equal(on, true);
});

test('a page without a session has no token and is never asked for one', () => {
  const session = new Session();
  session.refused('', 'no token');
  assert.equal(session.needed, null);
});

test('who sees what', () => {
  const is = (token: string, needed: boolean | null, reason: Session['reason'], isPublic = false) => accessOf({ token, needed, reason }, isPublic);
  assert.equal(is('', null, ''), 'waiting');
  assert.equal(is('', false, ''), 'full');
  assert.equal(is(alice, null, ''), 'full', 'a kept token need not wait');
  assert.equal(is('', true, ''), 'sign-in');
  assert.equal(is('', true, '', true), 'viewer');
  for (const reason of ['expired', 'signed-out', 'wanted'] as const) assert.equal(is('', true, reason, true), 'sign-in');
});

test('actions are shown to whoever may use them', () => {
  assert.equal(may({ token: '', claims: null }, 'write'), true);
  const reader = tokenOf({ scope: 'read operate' });
  assert.equal(may({ token: reader, claims: claimsOf(reader) }, 'write'), false);
  assert.equal(may({ token: reader, claims: claimsOf(reader) }, 'operate'), true);
  assert.equal(may({ token: 'opaque', claims: null }, 'write'), true);
});
