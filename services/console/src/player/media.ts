// Reading a media element, and its state as a hook.
import { useEffect, useState } from 'preact/hooks';

export interface MediaState {
  paused: boolean;
  ended: boolean;
  waiting: boolean;   // stands still without being paused
  started: boolean;   // a frame of it was shown
  time: number;
  duration: number;   // as far as there is media; 0: unknown
  buffered: [number, number][];
  volume: number;
  muted: boolean;
  rate: number;
}

export const kIdle: MediaState = {
  paused: true, ended: false, waiting: false, started: false, time: 0, duration: 0, buffered: [], volume: 1, muted: false, rate: 1,
};

// Media in front of the playhead, in seconds.
export function bufferAhead(media: HTMLMediaElement): number {
  const { buffered, currentTime } = media;
  for (let i = 0; i < buffered.length; i += 1) {
    if (buffered.start(i) <= currentTime + 0.1 && buffered.end(i) >= currentTime) return buffered.end(i) - currentTime;
  }
  return 0;
}

// The last moment that can be sought to.
export function availableEnd(media: HTMLMediaElement): number {
  const { seekable, duration } = media;
  if (seekable.length > 0) return seekable.end(seekable.length - 1);
  return Number.isFinite(duration) ? duration : 0;
}

function read(media: HTMLMediaElement, before: MediaState): MediaState {
  const buffered: [number, number][] = [];
  for (let i = 0; i < media.buffered.length; i += 1) buffered.push([media.buffered.start(i), media.buffered.end(i)]);
  return {
    ...before,
    paused: media.paused,
    ended: media.ended,
    time: media.currentTime,
    duration: availableEnd(media),
    buffered,
    volume: media.volume,
    muted: media.muted,
    rate: media.playbackRate,
  };
}

const kEvents = ['play', 'pause', 'ended', 'timeupdate', 'durationchange', 'progress', 'volumechange', 'ratechange', 'seeking', 'seeked', 'emptied'];

export function useMedia(media: HTMLVideoElement | null): MediaState {
  const [state, setState] = useState(kIdle);
  useEffect(() => {
    if (!media) return undefined;
    const update = () => setState((before) => read(media, before));
    const waiting = () => setState((before) => ({ ...read(media, before), waiting: !media.paused }));
    const moving = () => setState((before) => ({ ...read(media, before), waiting: false, started: true }));
    const stopped = () => setState((before) => ({ ...read(media, before), waiting: false }));
    const on: [string[], () => void][] = [
      [kEvents, update],
      [['waiting'], waiting],
      [['playing'], moving],
      [['pause', 'ended', 'canplay'], stopped],
    ];
    for (const [names, handler] of on) for (const name of names) media.addEventListener(name, handler);
    update();
    return () => {
      for (const [names, handler] of on) for (const name of names) media.removeEventListener(name, handler);
    };
  }, [media]);
  return state;
}
