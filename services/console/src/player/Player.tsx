// The player: an own control bar over a video element, fed by the engine, reporting what was watched.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import { usePass, useSigned } from '../api/playback';
import type { Video } from '../api/schema';
import { Captions } from './Captions';
import { ControlBar, kRates } from './ControlBar';
import { Icon } from './icons';
import { KeyHelp } from './KeyHelp';
import { useMedia } from './media';
import { ProblemNotice, WaitingNotice } from './Notice';
import './player.css';
import { keepPreferences, loadPreferences } from './preferences';
import { actionOf, type Action } from './shortcuts';
import { useFullscreen } from './useFullscreen';
import { useIdle } from './useIdle';
import { usePlayback } from './usePlayback';

export interface PlayerHandle {
  seek(seconds: number): void;
  readonly element: HTMLVideoElement;
}

export interface PlayerProps {
  video: Video;
  autoplay?: boolean;
  muted?: boolean;
  startAt?: number;
  fill?: boolean; // the whole frame around it instead of 16:9
  onTime?: (seconds: number) => void;
  handle?: (h: PlayerHandle | null) => void;
}

const kSpinnerDelayMs = 400;

export function Player({ video, autoplay = false, muted, startAt = 0, fill = false, onTime, handle }: PlayerProps) {
  const root = useRef<HTMLDivElement>(null);
  const still = useRef<HTMLCanvasElement>(null);
  const [media, setMedia] = useState<HTMLVideoElement | null>(null);
  const [openMenu, setOpenMenu] = useState('');
  const [dragging, setDragging] = useState(false);
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState('');
  const state = useMedia(media);

  const freeze = useCallback(() => {
    const canvas = still.current;
    if (!canvas || !media || media.videoWidth === 0) return;
    canvas.width = media.videoWidth;
    canvas.height = media.videoHeight;
    canvas.getContext('2d')?.drawImage(media, 0, 0);
  }, [media]);

  const pass = usePass(video.video_id);
  const poster = useSigned(pass, video.poster_url);
  const playback = usePlayback({ video, pass, media, startAt, autoplay, freeze });
  const [fullscreen, toggleFullscreen] = useFullscreen(root, media);
  const [idle, stir] = useIdle(root, !state.paused && openMenu === '' && !dragging && !help);
  const spinning = useLate(state.waiting && !state.paused && !playback.problem, kSpinnerDelayMs);

  useEffect(() => {
    if (!media) return undefined;
    const kept = loadPreferences();
    media.volume = kept.volume;
    media.muted = muted ?? kept.muted;
    handle?.({ element: media, seek: playback.seek });
    return () => handle?.(null);
  }, [media]);
  useEffect(() => onTime?.(state.time), [state.time]);

  const setVolume = (volume: number) => {
    if (!media) return;
    media.volume = Math.min(1, Math.max(0, Math.round(volume * 100) / 100));
    media.muted = media.volume === 0;
    keepPreferences({ volume: media.volume, muted: media.muted });
  };
  const setMuted = () => {
    if (!media) return;
    if (media.volume === 0) return setVolume(0.5);
    media.muted = !media.muted;
    keepPreferences({ muted: media.muted });
  };
  const setRate = (rate: number) => {
    if (media) media.playbackRate = rate;
  };

  const total = Math.max(video.duration_seconds, state.duration);
  const act = (action: Action) => {
    if (!media) return;
    stir();
    switch (action.kind) {
      case 'toggle':
        return playback.toggle();
      case 'skip':
        setSaid(`${Math.abs(action.seconds)} seconds ${action.seconds > 0 ? 'on' : 'back'}`);
        return playback.seek(media.currentTime + action.seconds);
      case 'seekPercent':
        return playback.seek((total * action.percent) / 100);
      case 'volume':
        setVolume((media.muted ? 0 : media.volume) + action.by);
        return setSaid(`Volume ${Math.round(media.volume * 100)} %`);
      case 'mute':
        setMuted();
        return setSaid(media.muted ? 'Sound off' : 'Sound on');
      case 'fullscreen':
        return toggleFullscreen();
      case 'captions': {
        const next = playback.caption >= 0 ? -1 : (playback.captionTracks[0]?.id ?? -1);
        if (playback.captionTracks.length === 0) return setSaid('There are no captions');
        playback.chooseCaption(next);
        return setSaid(next < 0 ? 'Captions off' : 'Captions on');
      }
      case 'speed': {
        const at = kRates.indexOf(media.playbackRate);
        setRate(kRates[Math.min(kRates.length - 1, Math.max(0, (at < 0 ? kRates.indexOf(1) : at) + action.by))]);
        return setSaid(`Speed ${media.playbackRate}`);
      }
      case 'help':
        return setHelp(!help);
    }
  };

  const onKey = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const inside = root.current?.contains(target) ?? false;
    if (event.defaultPrevented || (!inside && target !== document.body)) return;
    const busy = target.closest('input, [role="slider"]') ? 'slider' : target.closest('button') ? 'button' : 'none';
    const action = actionOf(event, busy);
    if (inside) stir();
    // With the focus nowhere, the keys that scroll the page stay the page's.
    if (!action || (!inside && /^(Arrow(Up|Down)|Home|End)$/.test(event.key))) return;
    event.preventDefault();
    act(action);
  };
  const hiddenAtPress = useRef(false); // the press itself moves the focus, which shows the controls
  const latestKey = useRef(onKey);
  latestKey.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => latestKey.current(event);
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);

  // The button goes away with the click: the keys stay with the player.
  const start = () => {
    root.current?.focus({ preventScroll: true });
    playback.toggle();
  };

  const playable = video.playable && video.hls_url !== '';
  // A break of the line goes by unnoticed while there is media in the buffer.
  const troubled = playback.problem !== null && (!playback.problem.retrying || state.waiting || !state.started);
  const canStart = playable && state.paused && !state.ended && !playback.problem;
  const available = state.duration;
  const hidden = idle && playable;
  return (
    <div ref={root} class={`vp${fill ? ' vp-fill' : ''}${hidden ? ' vp-idle' : ''}${fullscreen ? ' vp-full' : ''}`} tabIndex={-1} role="region"
      aria-label={`Player: ${video.title}`} data-testid="player" data-state={state.paused ? 'paused' : state.waiting ? 'waiting' : 'playing'}>
      <video ref={setMedia} poster={poster || undefined} playsInline preload="auto" crossOrigin="anonymous" data-testid="player-video"
        aria-label={video.title} />
      <canvas ref={still} class="vp-still" hidden={!playback.frozen} aria-hidden="true" />
      <Captions media={media} raised={!hidden} />
      {playable && (
        <div class="vp-stage" aria-hidden="true" data-testid="player-stage" onPointerDown={() => (hiddenAtPress.current = hidden)}
          onClick={(event) => {
            // A finger shows the controls first; a mouse has them already.
            const touch = (event as unknown as PointerEvent).pointerType === 'touch';
            root.current?.focus({ preventScroll: true });
            if (openMenu !== '') return setOpenMenu('');
            if (touch && !state.paused) return hiddenAtPress.current ? stir() : stir(true);
            playback.toggle();
          }}
          onDblClick={toggleFullscreen} />
      )}
      {spinning && <div class="vp-spinner" role="status" aria-label="Loading" data-testid="player-spinner" />}
      {canStart && !state.started && (
        <button type="button" class="vp-start" aria-label={`Play ${video.title}`} onClick={start} data-testid="player-start">
          <Icon name="play" />
        </button>
      )}
      {troubled && playback.problem && <ProblemNotice problem={playback.problem} onRetry={playback.retry} />}
      {!playable && <WaitingNotice video={video} />}
      {playable && media && (
        <ControlBar state={state} playback={playback} media={media} total={total} available={available} storyboardUrl={pass.ready ? video.storyboard_url : undefined} sign={pass.sign}
          fullscreen={fullscreen} openMenu={openMenu} setOpenMenu={setOpenMenu} onDrag={setDragging} onFullscreen={toggleFullscreen}
          onMute={setMuted} onVolume={setVolume} onRate={setRate} />
      )}
      {help && <KeyHelp onClose={() => { setHelp(false); root.current?.focus(); }} />}
      <div class="vp-said" role="status" aria-live="polite">{said}</div>
    </div>
  );
}

// True once `on` has lasted.
function useLate(on: boolean, ms: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!on) {
      setLate(false);
      return undefined;
    }
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [on, ms]);
  return late;
}
