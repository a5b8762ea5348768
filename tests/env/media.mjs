// Sources made by ffmpeg, and what ffprobe says of results.
import assert from 'node:assert/strict';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { run } from './stack.mjs';

const folder = path.join(os.tmpdir(), `vora-test-media-${process.getuid?.() ?? 0}`);

// A video file, made once: moving picture with a frame counter pattern, and a beep.
export async function source({ seconds = 20, width = 1920, height = 1080, rate = 30, audio = true, video = true, name = '' } = {}) {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${name || `${video ? `${width}x${height}-${String(rate).replace('/', '_')}` : 'audio'}-${seconds}s${audio ? '' : '-silent'}`}.mp4`);
  if (await stat(file).catch(() => null)) return file;
  const args = ['-v', 'error', '-y'];
  if (video) args.push('-f', 'lavfi', '-i', `testsrc2=size=${width}x${height}:rate=${rate}:duration=${seconds}`);
  if (audio) args.push('-f', 'lavfi', '-i', `sine=frequency=440:beep_factor=4:sample_rate=48000:duration=${seconds}`);
  if (video) args.push('-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '23', '-pix_fmt', 'yuv420p', '-g', '50');
  if (audio) args.push('-c:a', 'aac', '-b:a', '128k');
  const made = `${file}.${process.pid}.mp4`;
  const result = await run('ffmpeg', [...args, '-movflags', '+faststart', made]);
  assert.equal(result.code, 0, result.stderr);
  await rename(made, file);
  return file;
}

// The file with text tracks beside its picture: [{ language, cues: [[from, to, text]] }] (seconds).
export async function withCaptions(file, tracks) {
  const time = (at) => new Date(at * 1000).toISOString().slice(11, 23).replace('.', ',');
  const made = file.replace(/\.mp4$/, `-${tracks.map(({ language }) => language).join('-')}.mp4`);
  const args = ['-v', 'error', '-y', '-i', file];
  for (const [i, { cues }] of tracks.entries()) {
    const text = `${made}.${i}.srt`;
    await writeFile(text, cues.map(([from, to, line], n) => `${n + 1}\n${time(from)} --> ${time(to)}\n${line}\n`).join('\n'));
    args.push('-i', text);
  }
  args.push('-map', '0');
  for (const [i, { language }] of tracks.entries()) args.push('-map', String(i + 1), `-metadata:s:s:${i}`, `language=${language}`);
  const result = await run('ffmpeg', [...args, '-c', 'copy', '-c:s', 'mov_text', made]);
  assert.equal(result.code, 0, result.stderr);
  return made;
}

export async function probe(url, args) {
  const result = await run('ffprobe', ['-v', 'error', '-of', 'json', ...args, url], { timeout: 60_000 });
  assert.equal(result.code, 0, `ffprobe ${url}: ${result.stderr}`);
  assert.equal(result.stderr.trim(), '', `ffprobe ${url} complains`);
  return JSON.parse(result.stdout);
}

// Every packet of a media playlist's track, in presentation order: { pts, dts, duration (seconds), key, size }. The segments are read as they lie,
// one after the other, after the initialization segment (CMAF, ISO/IEC 23000-19).
export async function packets(url, kind) {
  const get = async (uri) => {
    const response = await fetch(new URL(uri, url), { signal: AbortSignal.timeout(30_000) });
    assert.equal(response.status, 200, `${uri} of ${url}`);
    return Buffer.from(await response.arrayBuffer());
  };
  const playlist = parsePlaylist((await get(url)).toString());
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `track-${process.pid}-${++tracks}.mp4`);
  const parts = [await get(playlist.map)];
  for (const segment of playlist.segments) parts.push(await get(segment.uri));
  await writeFile(file, Buffer.concat(parts));
  const list = await packetsOf(file, kind);
  await rm(file);
  return list;
}
let tracks = 0;

// The same of the first track of a kind in a file.
export async function packetsOf(file, kind) {
  const { packets: list, streams } = await probe(file, ['-select_streams', `${kind}:0`, '-show_packets', '-show_entries', 'packet=pts_time,dts_time,duration_time,flags,size:stream=sample_rate']);
  return list
    // ffprobe leaves the duration of AAC packets out: a frame of AAC-LC always has 1024 samples.
    .map((p) => ({ pts: Number(p.pts_time), dts: Number(p.dts_time), duration: Number(p.duration_time ?? 1024 / streams[0].sample_rate), key: p.flags.startsWith('K'), size: Number(p.size) }))
    .sort((a, b) => a.pts - b.pts);
}

// Asserts that presentation times go on without gap or overlap; the end of the last packet.
export function assertContinuous(list, what, tolerance = 0.002) {
  for (let i = 1; i < list.length; ++i) {
    const expected = list[i - 1].pts + list[i - 1].duration;
    assert.ok(Math.abs(list[i].pts - expected) <= tolerance, `${what}: packet ${i} is at ${list[i].pts} s, expected ${expected} s`);
  }
  const last = list.at(-1);
  return last.pts + last.duration;
}

// A media playlist: { segments: [{uri, duration}], map, ended, type, target }.
export function parsePlaylist(text) {
  const playlist = { segments: [], ended: /^#EXT-X-ENDLIST$/m.test(text), map: /#EXT-X-MAP:URI="([^"]*)"/.exec(text)?.[1] };
  playlist.type = /#EXT-X-PLAYLIST-TYPE:(\w+)/.exec(text)?.[1];
  playlist.target = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(text)?.[1]);
  let duration = null;
  for (const line of text.split('\n')) {
    const inf = /^#EXTINF:([\d.]+)/.exec(line);
    if (inf) duration = Number(inf[1]);
    else if (line && !line.startsWith('#')) playlist.segments.push({ uri: line, duration });
  }
  return playlist;
}
