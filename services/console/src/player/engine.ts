// Feeds a video element with an HLS presentation: hls.js where the browser has Media Source Extensions, else natively.
import { HlsEngine } from './HlsEngine';
import { NativeEngine } from './NativeEngine';
import type { Cause } from './problem';

export interface Quality {
  id: string; // `720p`; `auto`
  label: string;
  bitrate: number;
}
export interface CaptionTrack {
  id: number;
  label: string;
  language: string;
}
// A sound that can be heard instead: another language, a commentary.
export interface SoundTrack {
  id: number;
  label: string;
  language: string;
  unasked: boolean; // may be heard without having been chosen: no commentary
}
export interface Playing {
  rendition: string;
  bitrate: number;
}
export interface FetchedSegment {
  rendition: string;
  bitrate: number;
  index: number;
  seconds: number;
  bytes: number;
  throughput: number;
}

export interface EngineListener {
  qualities(list: Quality[], chosen: string, current: string): void;
  captions(list: CaptionTrack[], chosen: number): void;
  sounds(list: SoundTrack[], chosen: number): void;
  switched(now: Playing): void;
  fetched(segment: FetchedSegment): void;
  // `attempt` 0: all is well again. A cause that is not retried ends the engine.
  failed(cause: Cause | null, attempt: number, retryMs: number): void;
  // The source is replaced where play stands; `playing` follows when it went on.
  swapping(): void;
}

export interface EngineOptions {
  url: string;
  videoId: string;
  sessionId: string;
  startAt: number;
  quality: string;
  sign(url: string): string; // the address with a valid token; for each request
  renew(): Promise<void>;    // the token was refused
  listener: EngineListener;
}

// What the server has by now: more renditions than were loaded are picked up.
export interface Offer {
  renditions: number;
  captions: number;
  sounds: number; // 0: there is no choice
  final: boolean;
}

export interface Engine {
  readonly native: boolean;
  choose(quality: string): void;
  showCaption(id: number): void;
  hear(id: number): void;
  offer(offer: Offer): void;
  // Playing is wanted: from now on it buffers well ahead.
  begin(): void;
  retry(): void;
  // From the start, as another view.
  restart(sessionId: string, at: number): void;
  destroy(): void;
}

export async function openEngine(media: HTMLVideoElement, options: EngineOptions): Promise<Engine> {
  const { default: HlsClass } = await import('hls.js');
  if (HlsClass.isSupported()) return new HlsEngine(HlsClass, media, options);
  return new NativeEngine(media, options);
}
