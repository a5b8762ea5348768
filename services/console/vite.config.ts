import { defineConfig } from 'vite';

import { licenses } from './scripts/licenses.mjs';

// `npm run dev` against a running stack: VORA_EDGE is its edge.
const edge = process.env.VORA_EDGE ?? 'http://127.0.0.1:8080';
const forward = Object.fromEntries(['/v1', '/v/', '/t/', '^/e(\\?|$)', '/openapi.json'].map((path) => [path, { target: edge, changeOrigin: true }]));

export default defineConfig({
  appType: 'mpa',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  plugins: [licenses(), pageRoutes()],
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // Small images stay files: the pages' policy is easier to read without data: URLs of our own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ['index.html', 'embed.html'] },
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
  },
  server: { proxy: forward },
  preview: { proxy: forward },
});

// The pages' routes, as the metadata daemon serves them (services/metadata/api/rest_console.cc).
function pageRoutes() {
  const rewrite = (request: { url?: string }, _response: unknown, next: () => void) => {
    const path = (request.url ?? '/').split('?')[0]!;
    if (/^\/(upload|analytics|fleet|watch\/.*)$/.test(path)) request.url = '/index.html';
    if (/^\/embed\/.*$/.test(path)) request.url = '/embed.html';
    next();
  };
  type Middlewares = { middlewares: { use(handler: typeof rewrite): void } };
  return {
    name: 'page-routes',
    configureServer: (server: Middlewares) => void server.middlewares.use(rewrite),
    configurePreviewServer: (server: Middlewares) => void server.middlewares.use(rewrite),
  };
}
