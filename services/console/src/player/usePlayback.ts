// Joins engine and view to the component: what can be chosen, what went wrong, and the acts of the viewer.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import type { Pass } from '../api/playback';
import type { Video } from '../api/schema';
import { openEngine, type CaptionTrack, type Engine, type EngineListener, type Quality, type SoundTrack } from './engine';
import { availableEnd } from './media';
import { keepPreferences, loadPreferences } from './preferences';
import { problemOf, type Problem } from './problem';
import { View } from './view';

export interface Playback {
  qualities: Quality[];
  quality: string;
  currentQuality: string;
  captionTracks: CaptionTrack[];
  caption: number;
  soundTracks: SoundTrack[];
  sound: number;
  problem: Problem | null;
  frozen: boolean; // the source is being replaced: show the last picture
  toggle(): void;
  seek(seconds: number): void;
  chooseQuality(id: string): void;
  chooseCaption(id: number): void;
  chooseSound(id: number): void;
  retry(): void;
}

export interface PlaybackOptions {
  video: Video;
  pass: Pass;
  media: HTMLVideoElement | null;
  startAt: number;
  autoplay: boolean;
  freeze(): void;
}

export function usePlayback({ video, pass, media, startAt, autoplay, freeze }: PlaybackOptions): Playback {
  const [qualities, setQualities] = useState<Quality[]>([]);
  const [quality, setQuality] = useState('auto');
  const [currentQuality, setCurrentQuality] = useState('');
  const [captionTracks, setCaptionTracks] = useState<CaptionTrack[]>([]);
  const [caption, setCaption] = useState(-1);
  const [soundTracks, setSoundTracks] = useState<SoundTrack[]>([]);
  const [sound, setSound] = useState(-1);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [frozen, setFrozen] = useState(false);
  const engine = useRef<Engine | null>(null);
  const view = useRef<View | null>(null);
  const chosenOnce = useRef(false);
  const heardOnce = useRef(false);
  const url = video.playable && pass.ready ? video.hls_url : '';

  useEffect(() => {
    if (!media || !url) return undefined;
    let gone = false;
    view.current = new View(video.video_id, media);
    const listener: EngineListener = {
      qualities: (list, chosen, current) => {
        setQualities(list);
        setQuality(chosen);
        setCurrentQuality(current);
      },
      captions: (list, chosen) => {
        setCaptionTracks(list);
        setCaption(chosen);
        const wanted = loadPreferences().captions;
        const known = list.find((track) => wanted !== '' && track.language === wanted);
        if (known && chosen === -1 && !chosenOnce.current) {
          chosenOnce.current = true;
          engine.current?.showCaption(known.id);
        }
      },
      sounds: (list, chosen) => {
        setSoundTracks(list);
        setSound(chosen);
        if (heardOnce.current || list.length < 2) return;
        heardOnce.current = true;
        const wanted = loadPreferences().sound;
        const known = list.find((track) => wanted !== '' && track.language === wanted && track.unasked);
        if (known && known.id !== chosen) engine.current?.hear(known.id);
      },
      switched: (now) => view.current?.switched(now),
      fetched: (segment) => view.current?.fetched(segment),
      failed: (cause, attempt) => {
        if (cause && attempt === 1) view.current?.failed(cause.code);
        setProblem(cause ? problemOf(cause) : null);
      },
      swapping: () => {
        view.current?.swapping();
        freeze();
        setFrozen(true);
      },
    };
    const abort = new AbortController();
    media.addEventListener('playing', () => setFrozen(false), { signal: abort.signal });
    media.addEventListener('seeked', () => media.paused && setFrozen(false), { signal: abort.signal });
    media.addEventListener('loadeddata', () => media.paused && setFrozen(false), { signal: abort.signal });
    // Playing on after the view was over is another view.
    media.addEventListener('play', () => {
      engine.current?.begin();
      if (!view.current?.over || !media) return;
      const at = media.ended || media.currentTime >= availableEnd(media) - 0.25 ? 0 : media.currentTime;
      view.current = new View(video.video_id, media);
      view.current.wanted();
      engine.current?.restart(view.current.sessionId, at);
    }, { signal: abort.signal });
    void openEngine(media, { url, sign: pass.sign, renew: pass.renew, videoId: video.video_id, sessionId: view.current.sessionId, startAt, quality: 'auto', listener })
      .then((opened) => {
        if (gone) return opened.destroy();
        engine.current = opened;
        if (autoplay || !media.paused) opened.begin();
        if (autoplay) {
          view.current?.wanted();
          void media.play().catch(() => {});
        }
      })
      .catch(() => setProblem({ title: 'The player could not be loaded', advice: 'Check your connection and reload the page.', retrying: false }));
    return () => {
      gone = true;
      abort.abort();
      view.current?.end();
      view.current = null;
      engine.current?.destroy();
      engine.current = null;
    };
  }, [media, url, video.video_id]);

  const offered = video.renditions.filter(({ height, segments_done }) => height > 0 && segments_done > 0).length;
  const captions = video.captions.length;
  const heard = video.renditions.filter(({ height, segments_done }) => height === 0 && segments_done > 0).length;
  const sounds = heard > 1 ? heard : 0;
  const final = video.state === 'READY';
  useEffect(() => engine.current?.offer({ renditions: offered, captions, sounds, final }), [offered, captions, sounds, final, qualities.length > 0]);

  const toggle = useCallback(() => {
    if (!media) return;
    if (!media.paused) return media.pause();
    view.current?.wanted();
    void media.play().catch(() => {});
  }, [media]);

  const seek = useCallback((seconds: number) => {
    if (!media) return;
    const end = availableEnd(media);
    view.current?.look();
    media.currentTime = Math.max(0, end > 0 ? Math.min(seconds, end) : seconds);
  }, [media]);

  const chooseQuality = useCallback((id: string) => {
    engine.current?.choose(id);
    setProblem(null);
  }, []);

  const chooseCaption = useCallback((id: number) => {
    chosenOnce.current = true;
    engine.current?.showCaption(id);
    keepPreferences({ captions: captionTracks.find((track) => track.id === id)?.language ?? '' });
  }, [captionTracks]);

  const chooseSound = useCallback((id: number) => {
    heardOnce.current = true;
    engine.current?.hear(id);
    const track = soundTracks.find((one) => one.id === id);
    // A commentary is chosen for this film alone.
    if (track?.unasked) keepPreferences({ sound: track.language });
  }, [soundTracks]);

  const retry = useCallback(() => {
    setProblem(null);
    engine.current?.retry();
  }, []);

  return { qualities, quality, currentQuality, captionTracks, caption, soundTracks, sound, problem, frozen, toggle, seek, chooseQuality, chooseCaption, chooseSound, retry };
}
