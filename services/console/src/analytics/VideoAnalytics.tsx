import type { Video } from '../api/types';

export interface VideoAnalyticsProps {
  video: Video;
  currentTime: number;
  onSeek(seconds: number): void;
}

export function VideoAnalytics({ video }: VideoAnalyticsProps) {
  return <section data-testid="video-analytics" aria-label={`Viewers of ${video.title}`} />;
}
