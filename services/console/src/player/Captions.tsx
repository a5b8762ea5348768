// The cues of the shown caption track, drawn by us so that the control bar does not cover them.
import { useEffect, useRef, useState } from 'preact/hooks';

const isCaptions = (track: TextTrack) => track.kind === 'subtitles' || track.kind === 'captions';

export function Captions({ media, raised }: { media: HTMLVideoElement | null; raised: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [cues, setCues] = useState<VTTCue[]>([]);

  useEffect(() => {
    if (!media) return undefined;
    const abort = new AbortController();
    const { signal } = abort;
    const update = () => {
      const active: VTTCue[] = [];
      for (const track of Array.from(media.textTracks)) {
        if (!isCaptions(track) || track.mode === 'disabled') continue;
        if (track.mode === 'showing') track.mode = 'hidden';
        for (const cue of Array.from(track.activeCues ?? [])) active.push(cue as VTTCue);
      }
      setCues(active);
    };
    const follow = () => {
      for (const track of Array.from(media.textTracks)) if (isCaptions(track)) track.addEventListener('cuechange', update, { signal });
      update();
    };
    media.textTracks.addEventListener('addtrack', follow, { signal });
    media.textTracks.addEventListener('change', update, { signal });
    follow();
    return () => abort.abort();
  }, [media]);

  useEffect(() => {
    const lines = cues.map((cue) => {
      const line = document.createElement('span');
      line.append(cue.getCueAsHTML());
      return line;
    });
    box.current?.replaceChildren(...lines);
  }, [cues]);

  return <div ref={box} class={`vp-captions${raised ? ' vp-raised' : ''}`} data-testid="player-captions" />;
}
