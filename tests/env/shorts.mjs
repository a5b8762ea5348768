// Very short videos with tiny pictures, for suites that process many: of several kinds, each a file of its own.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { source, withCaptions } from './media.mjs';

const kinds = [
  { seconds: 2, width: 320, height: 180, rate: 25 },
  { seconds: 3, width: 240, height: 180, rate: 25, audio: false },
  { seconds: 2, width: 320, height: 180, rate: 25, captions: [{ language: 'eng', cues: [[0, 1, 'one']] }, { language: 'deu', cues: [[0, 1, 'eins'], [1, 2, 'zwei']] }] },
  { seconds: 4, width: 180, height: 320, rate: 24 },
  { seconds: 3, width: 160, height: 120, rate: 30 },
];

const rung = (height, bitrate) => ({ name: `${height}p`, codec: 'h264', height, maxBitrate: bitrate, crf: 28, preset: 'ultrafast', profile: 'high', threads: 1 });
// Of several renditions and chunks for them too.
const ladder = {
  name: 'shorts', segmentSeconds: 1, gopSeconds: 1, segmentsPerChunk: 2, rungs: [rung(90, 200_000), rung(120, 300_000), rung(180, 500_000)],
  audio: { codec: 'aac', bitrate: 64_000, sampleRate: 48_000, channels: 2 },
};

// For the setting VORA_LADDER.
export async function shortLadder(folder) {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'ladder.json');
  await writeFile(file, JSON.stringify(ladder));
  return file;
}

// The n-th video: { file, frames }.
export async function short(folder, n) {
  const { captions, ...kind } = kinds[n % kinds.length];
  await mkdir(folder, { recursive: true });
  const plain = await source(kind);
  const file = path.join(folder, `short-${n}.mp4`);
  await copyFile(captions ? await withCaptions(plain, captions) : plain, file);
  return { file, frames: kind.seconds * kind.rate };
}
