// The console of an installation that asks who calls: signing in by a token, working with it, losing it, going; and what viewers see
// without one.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { launch, openPlayerMenu, servePages } from '../env/browser.mjs';
import { makeIssuer, now, sign, claims, token } from '../env/jwt.mjs';
import { source } from '../env/media.mjs';
import { root, Stack, until } from '../env/stack.mjs';

const issuer = makeIssuer();
const stack = new Stack('sign-in', 24080, {
  VORA_AUTH: 'jwt',
  VORA_JWT_SECRET: issuer.secret,
  VORA_JWT_AUDIENCE: 'vora',
  VORA_JWT_ISSUER: 'https://id.example.org',
  VORA_FLEET_SECRET: crypto.randomBytes(32).toString('hex'),
});
const good = (more = {}) => token(issuer, { sub: 'alice@example.org', tenant: 'acme', ...more });
const desktop = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
let browser, pages, shots, axe, video;

before(async () => {
  await stack.reset();
  stack.token = good();
  browser = await launch();
  pages = await servePages();
  shots = path.join(stack.home, 'screenshots');
  await mkdir(shots, { recursive: true });
  axe = await readFile(path.join(root, 'tests/node_modules/axe-core/axe.min.js'), 'utf8');
});
after(async () => {
  await browser?.close();
  await pages?.close();
  await stack.down();
});

const by = (page, id) => page.getByTestId(id);
const asks = (page) => by(page, 'sign-in').waitFor({ timeout: 20_000 });
const kept = (page) => page.evaluate(() => [sessionStorage.getItem('vora.token'), JSON.stringify(localStorage).includes('eyJ'), document.cookie]);

// A tab of its own: { page, sent, errors, close }. `sent`: every request to /v1 and to the uploads, and whether it carried a token.
// Answers of 401 and 403 are what these tests are about; the browser writes a line for each.
async function openTab(pathname, options = desktop) {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const sent = [], errors = [];
  page.on('request', (request) => {
    const { pathname: where } = new URL(request.url());
    if (/^\/(v1|files)\//.test(where) && request.method() !== 'OPTIONS') sent.push({ method: request.method(), where, token: request.headers()['authorization'] ?? '' });
  });
  page.on('console', (message) => message.type() === 'error' && !/status of 40[13]/.test(message.text()) && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(stack.edge + pathname);
  return { page, sent, errors, close: () => context.close() };
}
async function signIn(page, text) {
  await by(page, 'token-input').fill(text);
  await by(page, 'sign-in-submit').click();
}
async function shoot(page, name) {
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`), [], `accessibility of ${name}`);
  const [wide, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= there, `${name} is ${wide} wide on a ${there} wide screen`);
}
const plays = (page, from = 1) => until('it to play', () => page.evaluate((at) => document.querySelector('video')?.currentTime > at, from), { timeout: 60_000, every: 50 });

test('without a token every page asks for one, and nothing else', async () => {
  for (const pathname of ['/', '/upload', '/analytics', '/fleet', `/watch/${'0'.repeat(32)}/timeline`]) {
    const { page, sent, errors, close } = await openTab(pathname);
    await asks(page);
    assert.deepEqual(sent.map(({ where }) => where), ['/v1/config'], pathname);
    assert.equal(await by(page, 'nav-library').count(), 0);
    assert.deepEqual(errors, []);
    await close();
  }
});

test('the sign-in page is accessible and fits, in light, dark and on a phone', async () => {
  for (const [look, options] of Object.entries({ light: { ...desktop, colorScheme: 'light' }, dark: { ...desktop, colorScheme: 'dark' }, phone })) {
    const { page, close } = await openTab('/', options);
    await asks(page);
    await shoot(page, `sign-in-${look}`);
    assert.equal(await page.getByLabel('Token').evaluate((field) => field === document.activeElement), true, 'one can paste at once');
    await signIn(page, good({ exp: now() - 3600 }));
    await until('the refusal', async () => (await by(page, 'token-problem').innerText()) !== '', { timeout: 10_000 });
    await shoot(page, `sign-in-refused-${look}`);
    await close();
  }
});

test('a token that is not good is refused in words, and not kept', async () => {
  const { page, errors, close } = await openTab('/');
  await asks(page);
  const bad = [
    ['', /Paste a token/],
    ['letmein', /three parts/],
    [sign({ alg: 'HS256', typ: 'JWT' }, claims(), 'x'.repeat(32)), /does not take this token: .*(signature|genuine|signed)/i],
    [good({ exp: now() - 3600 }), /the token has expired/i],
    [good({ aud: 'billing' }), /for another audience/],
    [good({ iss: 'https://evil.example.org' }), /from another issuer/],
  ];
  for (const [text, words] of bad) {
    await signIn(page, text);
    await until(`the refusal of ${text.slice(0, 20)}`, async () => words.test(await by(page, 'token-problem').innerText()), { timeout: 10_000 });
    assert.equal(await page.getByLabel('Token').getAttribute('aria-invalid'), 'true');
    assert.deepEqual(await kept(page), [null, false, '']);
  }
  assert.deepEqual(errors, []);
  await close();
});

test('with a good token a file is uploaded, its processing is followed, and it plays', async () => {
  const mine = good();
  const { page, sent, errors, close } = await openTab('/upload');
  await asks(page);
  await signIn(page, ` Bearer ${mine}\n`);
  await by(page, 'drop-box').waitFor();
  assert.deepEqual(await kept(page), [mine, false, ''], 'in sessionStorage only');
  assert.match(await by(page, 'account').innerText(), /alice@example\.org\s+acme\s+until \d/);
  const file = await source({ seconds: 24, width: 1280, height: 720 });
  await by(page, 'file-input').setInputFiles(file);
  await by(page, 'open-video').waitFor({ timeout: 60_000 });
  await by(page, 'open-video').click();
  await by(page, 'video-page').waitFor();
  const asked = () => sent.filter(({ method, where }) => method === 'GET' && where === `/v1/videos/${video.video_id}`).length;
  video = await stack.video(page.url().split('/').at(-1));
  const before = asked();
  const percents = new Set();
  await until('READY, by events alone', async () => {
    percents.add(await by(page, 'video-percent').innerText({ timeout: 200 }).catch(() => 'none'));
    return (await by(page, 'video-page').getAttribute('data-state')) === 'READY';
  }, { timeout: 180_000, every: 50 });
  assert.ok(percents.size >= 3, `progress was seen: ${[...percents]}`);
  assert.equal(asked(), before, 'nothing was asked for again');
  await by(page, 'player-start').click();
  await plays(page);
  await page.evaluate(() => document.querySelector('video').pause());
  await shoot(page, 'watch-signed-in');
  const after = sent.slice(sent.findIndex(({ token: carried }) => carried));
  for (const method of ['POST', 'PATCH', 'HEAD'].filter((one) => after.some(({ method: used }) => used === one))) {
    assert.deepEqual([...new Set(after.filter((request) => request.method === method).map(({ token: carried }) => carried))], [`Bearer ${mine}`], method);
  }
  assert.ok(after.some(({ method, where }) => method === 'PATCH' && where.startsWith('/files/')), 'bytes were sent');
  assert.deepEqual(after.filter(({ token: carried }) => carried !== `Bearer ${mine}`), []);
  assert.deepEqual(errors, []);
  await close();
});

test('every page works when one is signed in, on a phone too', async () => {
  const { page, errors, close } = await openTab('/', phone);
  await asks(page);
  await signIn(page, good());
  await by(page, 'video-card').first().waitFor();
  await shoot(page, 'library-phone');
  for (const [pathname, id] of [['/analytics', 'catalog-page'], ['/fleet', 'fleet-daemon'], [`/watch/${video.video_id}/timeline`, 'timeline-bar']]) {
    await page.goto(stack.edge + pathname);
    await by(page, id).first().waitFor({ timeout: 20_000 });
    assert.equal(await by(page, 'sign-in').count(), 0, 'loading a page anew keeps the session');
  }
  assert.deepEqual(errors, []);
  await close();
});

test('a missing scope is named where it is missed', async () => {
  const { page, close } = await openTab('/fleet');
  await asks(page);
  await signIn(page, good({ scope: 'read' }));
  await until('the scope', async () => /scope “operate”/.test(await by(page, 'fleet-error').innerText()), { timeout: 10_000 });
  await by(page, 'nav-upload').click();
  await by(page, 'file-input').setInputFiles(await source({ seconds: 24, width: 1280, height: 720 }));
  await until('the scope', async () => /scope “upload”/.test(await by(page, 'transfer').innerText()), { timeout: 30_000 });
  await shoot(page, 'scope-missing');
  assert.equal(await by(page, 'sign-in').count(), 0, 'the session goes on');
  await close();
});

test('an expired token leads to signing in, and back to the same page', async () => {
  // The server lets clocks differ by 30 s: this one has two seconds to live.
  const { page, errors, close } = await openTab('/analytics?range=24h');
  await asks(page);
  await signIn(page, good({ exp: now() - 28 }));
  await by(page, 'account').waitFor();
  // The page asks for its numbers every few seconds by itself.
  await by(page, 'session-ended').waitFor({ timeout: 30_000 });
  assert.match(await by(page, 'session-ended').innerText(), /The token has expired\./);
  assert.deepEqual(await kept(page), [null, false, '']);
  await shoot(page, 'session-ended');
  await signIn(page, good());
  await by(page, 'catalog-page').waitFor();
  assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/analytics?range=24h');
  assert.deepEqual(errors, []);
  await close();
});

test('an upload whose token ends in the middle goes on after signing in again', async () => {
  const { page, sent, errors, close } = await openTab('/upload');
  const line = await page.context().newCDPSession(page);
  await line.send('Network.enable');
  await asks(page);
  const first = good({ jti: 'first' });
  await signIn(page, first);
  await by(page, 'drop-box').waitFor();
  await line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1_000_000 });
  await by(page, 'file-input').setInputFiles(await source({ seconds: 40, width: 1920, height: 1080 }));
  await until('some of it to be sent', async () => /[1-9]\d*(\.\d+)? [KM]iB of/.test(await by(page, 'transfer-status').innerText()), { timeout: 60_000, every: 50 });
  await by(page, 'pause').click();
  await until('it to be paused', async () => /Paused/.test(await by(page, 'transfer-status').innerText()), { timeout: 10_000 });
  // From here on the server hears a token that has ended, whenever the first one is sent.
  const ended = good({ exp: now() - 3600 });
  await page.route(/\/files\//, (route) => {
    const headers = route.request().headers();
    return route.continue({ headers: headers['authorization'] === `Bearer ${first}` ? { ...headers, authorization: `Bearer ${ended}` } : headers });
  });
  await by(page, 'resume').click();
  await by(page, 'session-ended').waitFor({ timeout: 30_000 });
  await line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  const before = sent.length;
  await signIn(page, good({ jti: 'second' }));
  await by(page, 'open-video').waitFor({ timeout: 120_000 });
  const later = sent.slice(before).filter(({ where }) => where.startsWith('/files/'));
  assert.equal(later[0].method, 'HEAD', 'it asked where to go on');
  assert.ok(!later.some(({ method }) => method === 'POST'), 'and did not begin anew');
  await stack.api('POST', `/v1/videos/${(await by(page, 'open-video').getAttribute('href')).split('/').at(-1)}/cancel`);
  assert.deepEqual(errors, []);
  await close();
});

test('signing out forgets the token and what was shown', async () => {
  const { page, sent, close } = await openTab('/');
  await asks(page);
  await signIn(page, good());
  await by(page, 'video-card').first().waitFor();
  await by(page, 'sign-out').click();
  await by(page, 'signed-out').waitFor();
  await shoot(page, 'signed-out');
  assert.deepEqual(await kept(page), [null, false, '']);
  assert.equal(await by(page, 'video-card').count(), 0);
  const before = sent.length;
  await page.reload();
  await asks(page);
  assert.deepEqual(sent.slice(before).filter(({ token: carried }) => carried), []);
  await close();
});

test('viewers need no token: another site embeds the player, and the watch page shows what anybody may see', async () => {
  const host = await browser.newPage();
  await host.goto(`${pages.url}/upload.html`);
  await host.setContent(`<iframe id="player" src="${stack.edge}/embed/${video.video_id}?autoplay=1&muted=1" width="640" height="360" allow="autoplay"></iframe>`);
  const frame = await (await host.waitForSelector('#player')).contentFrame();
  await plays(frame);
  await host.screenshot({ path: path.join(shots, 'embed.png') });
  await host.close();

  const gone = await openTab(`/embed/${'0'.repeat(32)}`);
  await until('the message', async () => /no such video/.test(await by(gone.page, 'embed-message').innerText()), { timeout: 10_000 });
  await gone.close();

  for (const [look, options] of Object.entries({ desktop, phone })) {
    const { page, sent, errors, close } = await openTab(`/watch/${video.video_id}`, options);
    await by(page, 'viewer-page').waitFor();
    await page.evaluate(() => { document.querySelector('video').muted = true; });
    await by(page, 'player-start').click();
    await plays(page);
    await page.evaluate(() => document.querySelector('video').pause());
    await shoot(page, `viewer-${look}`);
    assert.equal(await by(page, 'edit').count() + await by(page, 'delete').count(), 0);
    assert.deepEqual(sent.filter(({ where }) => where !== '/v1/config' && !where.startsWith('/v1/public/')), []);
    await by(page, 'sign-in-open').click();
    await asks(page);
    await by(page, 'watch-only').click();
    await by(page, 'viewer-page').waitFor();
    await by(page, 'sign-in-open').click();
    await signIn(page, good());
    await by(page, 'video-page').waitFor();
    await by(page, 'edit').first().waitFor();
    assert.deepEqual(errors, []);
    await close();
  }
});

test('a viewer who came before the video was ready sees it grow, and in the end all of it', async () => {
  const created = await stack.upload(await source({ seconds: 40, width: 1280, height: 720 }));
  const { page, errors, close } = await openTab(`/embed/${created.video_id}?muted=1`);
  await by(page, 'player-waiting').waitFor();
  const pictures = (await stack.reach(created.video_id)).renditions.filter(({ height }) => height > 0);
  await by(page, 'player-start').click({ timeout: 20_000 });
  await plays(page);
  await openPlayerMenu(page, 'player-quality');
  await until('every quality', async () => (await page.getByRole('menuitemradio').count()) === pictures.length + 1, { timeout: 20_000 });
  await stack.api('DELETE', `/v1/videos/${created.video_id}`);
  assert.deepEqual(errors, []);
  await close();
});
