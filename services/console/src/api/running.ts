import type { Video } from './schema';

export const isRunning = (video: Video): boolean =>
  video.state === 'CREATED' || video.state === 'PROCESSING' || video.state === 'PARTIALLY_READY';
