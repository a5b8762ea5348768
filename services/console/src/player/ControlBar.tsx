import { useEffect, useState } from 'preact/hooks';

import { bitrate, duration as clock } from '../format';
import { Icon } from './icons';
import type { MediaState } from './media';
import { Menu } from './Menu';
import { SeekBar } from './SeekBar';
import type { Playback } from './usePlayback';

export const kRates = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];

export interface ControlBarProps {
  state: MediaState;
  playback: Playback;
  media: HTMLVideoElement;
  total: number;
  available: number;
  storyboardUrl: string | undefined;
  sign(url: string): string;
  fullscreen: boolean;
  openMenu: string;
  setOpenMenu(name: string): void;
  onDrag(dragging: boolean): void;
  onFullscreen(): void;
  onMute(): void;
  onVolume(volume: number): void;
  onRate(rate: number): void;
}

export function ControlBar(props: ControlBarProps) {
  const { state, playback, media, total, available, openMenu, setOpenMenu } = props;
  const menu = (name: string) => ({ open: openMenu === name, setOpen: (open: boolean) => setOpenMenu(open ? name : '') });
  const playLabel = state.ended ? 'Play again' : state.paused ? 'Play' : 'Pause';
  const silent = state.muted || state.volume === 0;
  const { qualities, captionTracks, soundTracks } = playback;
  const shownQuality = playback.quality === 'auto' ? playback.currentQuality || 'Auto' : playback.quality;
  const pip = usePictureInPicture(media);
  return (
    <div class="vp-bar" data-testid="player-controls">
      <SeekBar time={state.time} total={total} available={available} buffered={state.buffered} storyboardUrl={props.storyboardUrl} sign={props.sign}
        onSeek={playback.seek} onDrag={props.onDrag} />
      <div class="vp-row">
        <button type="button" class="vp-button" aria-label={playLabel} title={`${playLabel} (K)`} onClick={playback.toggle} data-testid="player-play">
          <Icon name={state.ended ? 'replay' : state.paused ? 'play' : 'pause'} />
        </button>
        <div class="vp-volume">
          <button type="button" class="vp-button" aria-label={silent ? 'Sound on' : 'Sound off'} title={`${silent ? 'Sound on' : 'Sound off'} (M)`}
            onClick={props.onMute} data-testid="player-mute">
            <Icon name={silent ? 'mute' : state.volume < 0.5 ? 'quiet' : 'loud'} />
          </button>
          <input type="range" min={0} max={100} step={5} value={silent ? 0 : Math.round(state.volume * 100)} aria-label="Volume" class="vp-range"
            aria-valuetext={silent ? 'off' : `${Math.round(state.volume * 100)} %`} style={{ '--value': `${silent ? 0 : state.volume * 100}%` }}
            onInput={(event) => props.onVolume(Number(event.currentTarget.value) / 100)} data-testid="player-volume" />
        </div>
        <span class="vp-time" data-testid="player-time">
          <span>{clock(Math.floor(state.time))}</span> <span class="vp-total">/ {clock(total)}</span>
        </span>
        <span class="vp-space" />
        {soundTracks.length > 1 && (
          <Menu {...menu('sound')} name="Audio" testid="player-sound-menu" value={String(playback.sound)}
            choices={soundTracks.map(({ id, label }) => ({ id: String(id), label }))}
            onChoose={(id) => playback.chooseSound(Number(id))}>
            <Icon name="voice" />
          </Menu>
        )}
        {captionTracks.length > 0 && (
          <Menu {...menu('captions')} name="Captions" testid="player-captions-menu" value={String(playback.caption)} pressed={playback.caption >= 0}
            choices={[{ id: '-1', label: 'Off' }, ...captionTracks.map(({ id, label }) => ({ id: String(id), label }))]}
            onChoose={(id) => playback.chooseCaption(Number(id))}>
            <Icon name="captions" />
          </Menu>
        )}
        <Menu {...menu('speed')} name="Speed" says={`${state.rate}×`} testid="player-speed" value={String(state.rate)} pressed={state.rate !== 1}
          choices={kRates.map((rate) => ({ id: String(rate), label: rate === 1 ? 'Normal' : `${rate}×` }))}
          onChoose={(id) => props.onRate(Number(id))}>
          {`${state.rate}×`}
        </Menu>
        {qualities.length > 0 && (
          <Menu {...menu('quality')} name="Quality" says={playback.quality === 'auto' && playback.currentQuality ? `${playback.currentQuality}, automatic` : shownQuality} testid="player-quality" value={playback.quality}
            choices={[
              { id: 'auto', label: 'Auto', ...(playback.currentQuality && playback.quality === 'auto' ? { detail: playback.currentQuality } : {}) },
              ...qualities.map(({ id, label, bitrate: bits }) => ({ id, label, detail: bitrate(bits) })),
            ]}
            onChoose={playback.chooseQuality}>
            {shownQuality}
          </Menu>
        )}
        {pip.possible && (
          <button type="button" class={`vp-button vp-pip${pip.active ? ' vp-on' : ''}`} aria-pressed={pip.active} aria-label="Picture in picture"
            title="Picture in picture" onClick={pip.toggle} data-testid="player-pip">
            <Icon name="pip" />
          </button>
        )}
        <button type="button" class="vp-button" aria-label={props.fullscreen ? 'Leave full screen' : 'Full screen'}
          title={`${props.fullscreen ? 'Leave full screen' : 'Full screen'} (F)`} onClick={props.onFullscreen} data-testid="player-fullscreen">
          <Icon name={props.fullscreen ? 'shrink' : 'expand'} />
        </button>
      </div>
    </div>
  );
}

function usePictureInPicture(media: HTMLVideoElement) {
  const possible = document.pictureInPictureEnabled === true && typeof media.requestPictureInPicture === 'function';
  const [active, setActive] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    media.addEventListener('enterpictureinpicture', () => setActive(true), { signal: abort.signal });
    media.addEventListener('leavepictureinpicture', () => setActive(false), { signal: abort.signal });
    return () => abort.abort();
  }, [media]);
  const toggle = () => {
    const change: Promise<unknown> = active ? document.exitPictureInPicture() : media.requestPictureInPicture();
    change.catch(() => {});
  };
  return { possible, active, toggle };
}
