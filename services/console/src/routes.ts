// Which module draws which page. Each is a chunk of its own.
import type { Route } from './router';

const watch = () => import('./video/VideoPage').then((module) => module.default);

export const routes: Route[] = [
  { path: '/', load: () => import('./library/LibraryPage').then((module) => module.default) },
  { path: '/upload', load: () => import('./upload/UploadPage').then((module) => module.default) },
  { path: '/import', load: () => import('./import/ImportPage').then((module) => module.default) },
  { path: '/ladders', load: () => import('./ladders/LaddersPage').then((module) => module.default) },
  { path: '/watch/{id}', load: watch, viewers: () => import('./video/ViewerPage').then((module) => module.default) },
  { path: '/watch/{id}/{tab}', load: watch },
  { path: '/analytics', load: () => import('./analytics/CatalogPage').then((module) => module.default) },
  { path: '/fleet', load: () => import('./fleet/FleetPage').then((module) => module.default) },
];
