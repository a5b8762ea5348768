import { useEffect, useRef } from 'preact/hooks';

import type { Video } from '../api/types';

export interface PlayerHandle {
  seek(seconds: number): void;
  readonly element: HTMLVideoElement;
}

export interface PlayerProps {
  video: Video;
  autoplay?: boolean;
  startAt?: number;
  onTime?: (seconds: number) => void;
  handle?: (h: PlayerHandle | null) => void;
}

export function Player({ video, onTime, handle }: PlayerProps) {
  const element = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const media = element.current!;
    handle?.({ element: media, seek: (seconds) => (media.currentTime = seconds) });
    return () => handle?.(null);
  }, []);
  return (
    <video ref={element} src={video.hls_url} poster={video.poster_url} controls playsInline data-testid="player-video"
      onTimeUpdate={(event) => onTime?.(event.currentTarget.currentTime)} />
  );
}
