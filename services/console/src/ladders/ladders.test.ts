import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bodyOf, draftOf, emptyDraft, newRung } from './ladders';

test('rungs are sent smallest first, named by their height, each once', () => {
  const draft = { ...emptyDraft(), rungs: [newRung(1080, 5_000_000), newRung(360, 800_000), newRung(1080, 8_000_000)] };
  assert.deepEqual(bodyOf(draft).rungs!.map(({ name }) => name), ['360p', '1080p', '1080p-8000k']);
  draft.rungs[1] = { ...draft.rungs[1]!, name: '360p', height: 480 };
  assert.equal(bodyOf(draft).rungs![0]!.name, '480p');
  draft.rungs[1] = { ...draft.rungs[1]!, name: 'small' };
  assert.equal(bodyOf(draft).rungs![0]!.name, 'small');
});

test('a change names the version that it changes, a copy does not, and both keep what is not edited', () => {
  const stored = {
    name: 'hd', version: 4, description: 'x', segment_seconds: 6, gop_seconds: 2, segments_per_chunk: 5, rungs: [], is_default: false, origin: 'OWN' as const, warnings: [], updated_at: '', mp4: true,
    audio: { codec: 'aac', bitrate: 96_000, sample_rate: 44_100, channels: 1 },
  };
  const body = bodyOf(draftOf(stored, 'change'));
  assert.equal(body.version, 4);
  assert.equal(body.segment_seconds, 6);
  assert.equal(body.mp4, true);
  assert.deepEqual(body.audio, { codec: 'aac', bitrate: 96_000, sample_rate: 44_100, channels: 1 });
  assert.equal(bodyOf(draftOf(stored, 'copy')).version, undefined);
});
