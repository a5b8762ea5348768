import assert from 'node:assert/strict';
import { test } from 'node:test';

import { matchPath, startOf } from './match';

test('paths', () => {
  assert.deepEqual(matchPath('/', '/'), {});
  assert.deepEqual(matchPath('/watch/{id}', '/watch/a%20b/'), { id: 'a b' });
  assert.deepEqual(matchPath('/watch/{id}/{tab}', '/watch/1/timeline'), { id: '1', tab: 'timeline' });
  assert.equal(matchPath('/watch/{id}', '/watch'), null);
  assert.equal(matchPath('/watch/{id}', '/watch/%zz'), null);
  assert.equal(matchPath('/upload', '/Upload'), null);
});

test('where to begin', () => {
  const start = (query: string) => startOf(new URLSearchParams(query));
  assert.deepEqual(['t=12.5', '', 't=', 't=-3', 't=1e999', 't=x'].map(start), [12.5, 0, 0, 0, 0, 0]);
});
