import type { Video } from '../api/types';

export function Timeline({ video }: { video: Video }) {
  return <section data-testid="timeline" aria-label={`What was done for ${video.title}`} />;
}
