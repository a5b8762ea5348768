// A real browser, and a small server for the test pages and the players' files from npm.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { root, until } from './stack.mjs';

export async function launch() {
  return chromium.launch({
    executablePath: process.env.VORA_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
  });
}

const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.mp4': 'video/mp4' };

// Serves tests/e2e/pages at /, and npm packages at /npm/: { url, close }.
export async function servePages() {
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://x');
    if (pathname === '/favicon.ico') return response.writeHead(204).end();
    const file = pathname.startsWith('/npm/')
      ? path.join(root, 'tests/node_modules', path.normalize(pathname.slice(4)))
      : path.join(root, 'tests/e2e/pages', path.normalize(pathname));
    const info = await stat(file).catch(() => null);
    if (!info?.isFile()) return response.writeHead(404).end('no such page');
    response.writeHead(200, { 'content-type': types[path.extname(file)] ?? 'application/octet-stream', 'content-length': info.size });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}

// A page that fails the test by its console errors; `errors` collects them.
export async function openPage(browser, url, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(url);
  return { page, errors };
}

// Opens one of the player's menus as a person does: moves the mouse over the picture first, as the controls hide while nobody touches them.
export async function openPlayerMenu(page, menu) {
  await until(`the menu ${menu}`, async () => {
    const { x, y, width, height } = await page.getByTestId('player-video').boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.move(x + width / 2, y + height / 3);
    await page.getByTestId(menu).click({ timeout: 2000 });
    return true;
  }, { timeout: 20_000 });
}

export async function chooseInPlayer(page, menu, name) {
  await openPlayerMenu(page, menu);
  await page.getByRole('menuitemradio', { name }).click();
}
