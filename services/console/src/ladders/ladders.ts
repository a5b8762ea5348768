// Ladders as the pages use them: what a new one begins with, what is sent of an edited one, and what a preview is asked for.
import { get } from '../api/client';
import type { PreviewSource, PutLadder, PutRung, StoredLadder } from '../api/schema';

export async function loadLadders(): Promise<StoredLadder[]> {
  return (await get<{ ladders: StoredLadder[] }>('/v1/ladders')).ladders;
}

export interface Draft {
  name: string;
  version: number; // that is changed; 0: a new ladder
  description: string;
  rungs: PutRung[];
  audioBitrate: number;
  mp4: boolean;
  rest: Partial<Pick<PutLadder, 'segment_seconds' | 'gop_seconds' | 'segments_per_chunk' | 'audio'>>; // not edited here
}

export const newRung = (height = 720, bitrate = 2_800_000): PutRung => ({ height, max_bitrate: bitrate, crf: 23, preset: 'veryfast', profile: 'high' });

export function draftOf(ladder: StoredLadder, as: 'change' | 'copy'): Draft {
  const { segment_seconds, gop_seconds, segments_per_chunk, audio } = ladder;
  return {
    name: as === 'copy' ? '' : ladder.name,
    version: as === 'copy' ? 0 : ladder.version,
    description: ladder.description,
    rungs: ladder.rungs.map((rung) => ({ ...rung })),
    audioBitrate: audio.bitrate,
    mp4: ladder.mp4,
    rest: { segment_seconds, gop_seconds, segments_per_chunk, audio },
  };
}

export const emptyDraft = (): Draft => ({ name: '', version: 0, description: '', rungs: [newRung(360, 800_000), newRung()], audioBitrate: 128_000, mp4: false, rest: {} });

// Smallest first, as the server wants them. A name that was made of the height is made anew when the height is another one.
export function bodyOf(draft: Draft): PutLadder {
  const rungs = [...draft.rungs].sort((a, b) => a.height - b.height || a.max_bitrate - b.max_bitrate);
  const used = new Set<string>();
  return {
    description: draft.description.trim(),
    ...(draft.version > 0 ? { version: draft.version } : {}),
    ...draft.rest,
    rungs: rungs.map((rung) => {
      const byHeight = !rung.name || /^\d+p$/.test(rung.name);
      const plain = `${rung.height}p`;
      const name = !byHeight ? rung.name! : used.has(plain) ? `${plain}-${Math.round(rung.max_bitrate / 1000)}k` : plain;
      used.add(name);
      return { ...rung, name };
    }),
    audio: { ...draft.rest.audio, bitrate: draft.audioBitrate },
    mp4: draft.mp4,
  };
}

export interface Sample {
  label: string;
  source: PreviewSource;
}

export const samples: Sample[] = [
  { label: '1920 × 1080, 30 frames a second', source: { width: 1920, height: 1080 } },
  { label: '3840 × 2160, 60 frames a second', source: { width: 3840, height: 2160, frame_rate: 60 } },
  { label: '1280 × 720, 30 frames a second', source: { width: 1280, height: 720 } },
  { label: '1080 × 1920, a phone held upright', source: { width: 1080, height: 1920 } },
  { label: '640 × 480, an old recording', source: { width: 640, height: 480, frame_rate: 25 } },
];
