import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Video } from '../api/schema';
import { withFreshStart, withPage, withVideo, withoutVideo } from './videos';

const make = (id: number, change: Partial<Video> = {}) =>
  ({ video_id: String(id), created_at: `2026-01-0${id}T00:00:00Z`, title: `Video ${id}`, filename: '', state: 'READY', version: 1, ...change }) as Video;
const all = { query: '', state: '' } as const;
const ids = (list: Video[]) => list.map((video) => video.video_id).join('');

test('a new video goes where its time says', () => {
  const list = [make(5), make(3)];
  assert.equal(ids(withVideo(list, make(6), all, true)), '653');
  assert.equal(ids(withVideo(list, make(4), all, true)), '543');
  assert.equal(ids(withVideo(list, make(1), all, false)), '531');
  assert.equal(ids(withVideo(list, make(1), all, true)), '53', 'it belongs to a page that is not shown yet');
});

test('a change replaces, an old one does not, and what fits no more goes', () => {
  const list = [make(5, { version: 7 }), make(3)];
  assert.equal(withVideo(list, make(5, { version: 8, title: 'New' }), all, false)[0]!.title, 'New');
  assert.equal(withVideo(list, make(5, { version: 6, title: 'Old' }), all, false), list);
  assert.equal(ids(withVideo(list, make(3, { version: 2, state: 'FAILED' }), { query: '', state: 'READY' }, false)), '5');
  assert.equal(ids(withVideo(list, make(4, { title: 'Other' }), { query: 'vid', state: '' }, false)), '53');
  assert.equal(ids(withoutVideo(list, '5')), '3');
});

test('a page adds what is not there yet', () => {
  assert.equal(ids(withPage([make(5), make(4)], [make(4), make(3)])), '543');
});

test('the first page anew keeps older pages and newer versions, and drops what is gone', () => {
  const list = [make(6), make(5), make(4, { version: 9 }), make(2), make(1)];
  const fresh = withFreshStart(list, [make(7), make(6), make(4)], false);
  assert.equal(ids(fresh), '76421');
  assert.equal(fresh[2]!.version, 9);
  assert.equal(ids(withFreshStart(list, [make(6)], true)), '6');
  assert.equal(ids(withFreshStart(list, [], false)), '');
});
