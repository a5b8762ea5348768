// The seek bar: what is buffered, what is not processed yet, and a picture of the moment under the pointer.
import { useEffect, useRef, useState } from 'preact/hooks';

import { duration as clock } from '../format';
import { cueAt, parseStoryboard, type StoryboardCue } from './storyboard';

export interface SeekBarProps {
  time: number;
  total: number;     // of the whole video
  available: number; // as far as it can be played by now
  buffered: [number, number][];
  storyboardUrl: string | undefined;
  sign(url: string): string; // with a token that is valid now
  onSeek(seconds: number): void;
  onDrag(dragging: boolean): void;
}

// Loaded when somebody first reaches for the bar.
function useStoryboard(url: string | undefined, sign: (url: string) => string, wanted: boolean): StoryboardCue[] {
  const [cues, setCues] = useState<StoryboardCue[]>([]);
  useEffect(() => {
    if (!url || !wanted) return undefined;
    const abort = new AbortController();
    fetch(sign(url), { signal: abort.signal })
      .then(async (response) => response.ok && setCues(parseStoryboard(await response.text(), response.url)))
      .catch(() => {});
    return () => abort.abort();
  }, [url, wanted]);
  return cues;
}

const kPictureWidth = 160;

function Picture({ cue, src }: { cue: StoryboardCue; src: string }) {
  const scale = kPictureWidth / cue.width;
  const box = { width: `${kPictureWidth}px`, height: `${Math.round(cue.height * scale)}px` };
  // An image, not a background: it can be moved by transform, and fails quietly.
  return (
    <span class="vp-picture" style={box} data-testid="storyboard-picture">
      <img src={src} alt="" draggable={false} style={{ transform: `scale(${scale}) translate(${-cue.x}px, ${-cue.y}px)` }} />
    </span>
  );
}

export function SeekBar({ time, total, available, buffered, storyboardUrl, sign, onSeek, onDrag }: SeekBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<number | null>(null);
  const [focused, setFocused] = useState(false);
  const cues = useStoryboard(storyboardUrl, sign, hover !== null || focused);

  const span = Math.max(total, 0.001);
  const percent = (seconds: number) => `${Math.min(100, Math.max(0, (seconds / span) * 100))}%`;
  const shown = drag ?? time;
  const reachable = Math.min(total, available);
  const at = (event: PointerEvent) => {
    const box = bar.current!.getBoundingClientRect();
    return Math.min(Math.max(0, ((event.clientX - box.left) / Math.max(1, box.width)) * span), span);
  };
  const clamp = (seconds: number) => Math.min(Math.max(0, seconds), Math.max(0, reachable > 0 ? reachable : total));

  const end = (event: PointerEvent, take: boolean) => {
    if (drag === null) return;
    if (take) onSeek(clamp(at(event)));
    setDrag(null);
    onDrag(false);
    if (event.pointerType !== 'mouse') setHover(null);
  };

  const onKey = (event: KeyboardEvent) => {
    const step: Record<string, number> = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -span / 10, PageUp: span / 10 };
    const by = step[event.key];
    const to = by !== undefined ? time + by : event.key === 'Home' ? 0 : event.key === 'End' ? reachable : null;
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    onSeek(clamp(to));
  };

  const preview = drag ?? hover ?? (focused ? time : null);
  const cue = preview !== null && cues.length > 0 ? cueAt(cues, preview) : null;
  const width = bar.current?.clientWidth ?? 0;
  const half = cue ? kPictureWidth / 2 + 2 : 28;
  const left = width > half * 2 ? Math.min(Math.max(((preview ?? 0) / span) * width, half), width - half) : width / 2;

  return (
    <div ref={bar} class={`vp-seek${drag !== null ? ' vp-dragging' : ''}`} role="slider" tabIndex={0} aria-label="Position" aria-orientation="horizontal"
      aria-valuemin={0} aria-valuemax={Math.round(total)} aria-valuenow={Math.round(shown)} data-testid="player-seek"
      aria-valuetext={`${clock(shown)} of ${clock(total)}`}
      onKeyDown={onKey}
      onFocus={(event) => setFocused((event.currentTarget as HTMLElement).matches(':focus-visible'))}
      onBlur={() => setFocused(false)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        bar.current!.setPointerCapture(event.pointerId);
        setDrag(at(event));
        setHover(at(event));
        onDrag(true);
      }}
      onPointerMove={(event) => {
        setHover(at(event));
        if (drag !== null) setDrag(at(event));
      }}
      onPointerLeave={() => drag === null && setHover(null)}
      onPointerUp={(event) => end(event, true)}
      onPointerCancel={(event) => end(event, false)}>
      <div class="vp-track">
        {total - available > 0.5 && available > 0 && <span class="vp-missing" style={{ left: percent(available) }} />}
        {buffered.map(([from, to]) => (
          <span key={from} class="vp-buffered" style={{ left: percent(from), width: percent(Math.min(to, span) - from) }} />
        ))}
        <span class="vp-played" style={{ width: percent(shown) }} />
        {hover !== null && drag === null && <span class="vp-hover" style={{ left: percent(hover) }} />}
      </div>
      <span class="vp-thumb" style={{ left: percent(shown) }} />
      {preview !== null && (
        <div class="vp-preview" style={{ left: `${left}px` }} aria-hidden="true" data-testid="player-preview">
          {cue && <Picture cue={cue} src={sign(cue.url)} />}
          <span class="vp-when">{preview > available + 0.5 && available > 0 ? `${clock(preview)} · not processed yet` : clock(preview)}</span>
        </div>
      )}
    </div>
  );
}
