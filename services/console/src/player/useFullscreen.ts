import type { RefObject } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';

// Full screen of the whole player; on iPhones only the video element itself can.
export function useFullscreen(root: RefObject<HTMLElement>, media: HTMLVideoElement | null): [boolean, () => void] {
  const [on, setOn] = useState(false);
  useEffect(() => {
    const update = () => setOn(document.fullscreenElement !== null && document.fullscreenElement === root.current);
    document.addEventListener('fullscreenchange', update);
    return () => document.removeEventListener('fullscreenchange', update);
  }, []);
  const toggle = useCallback(() => {
    const phone: (HTMLVideoElement & { webkitEnterFullscreen?: () => void }) | null = media;
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
    else if (root.current?.requestFullscreen) void root.current.requestFullscreen().catch(() => {});
    else phone?.webkitEnterFullscreen?.();
  }, [media]);
  return [on, toggle];
}
