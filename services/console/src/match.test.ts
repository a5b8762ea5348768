import assert from 'node:assert/strict';
import { test } from 'node:test';

import { matchPath } from './match';

test('paths', () => {
  assert.deepEqual(matchPath('/', '/'), {});
  assert.deepEqual(matchPath('/watch/{id}', '/watch/a%20b/'), { id: 'a b' });
  assert.deepEqual(matchPath('/watch/{id}/{tab}', '/watch/1/timeline'), { id: '1', tab: 'timeline' });
  assert.equal(matchPath('/watch/{id}', '/watch'), null);
  assert.equal(matchPath('/watch/{id}', '/watch/%zz'), null);
  assert.equal(matchPath('/upload', '/Upload'), null);
});
