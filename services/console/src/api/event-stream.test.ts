import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EventStreamParser } from './event-stream';

const stream = '\uFEFF: hello\nretry: 2000\n\nid: 7\ndata: {"a":1}\n\nevent: deleted\r\ndata: x\r\ndata:  y\r\n\r\ndata\r\rid\r\ndata:z\n\ndata: never ended';
const messages = [
  { event: 'message', data: '{"a":1}' },
  { event: 'deleted', data: 'x\n y' },
  { event: 'message', data: '' },
  { event: 'message', data: 'z' },
];

test('a stream means the same, however it is cut into pieces', () => {
  for (const size of [1, 2, 3, 5, 7, stream.length]) {
    const parser = new EventStreamParser('3');
    const got = [];
    for (let at = 0; at < stream.length; at += size) got.push(...parser.push(stream.slice(at, at + size)));
    assert.deepEqual(got, messages, `pieces of ${size}`);
    assert.equal(parser.retryMs, 2000);
    assert.equal(parser.lastId, '', 'an empty id takes the last one back');
  }
});

test('the last id counts with its message, and survives a stream that names none', () => {
  const parser = new EventStreamParser('41');
  parser.push('data: 1\n\nid: 42\ndata: 2\n');
  assert.equal(parser.lastId, '41');
  parser.push('\nid: 4\0\nretry: soon\nunknown: field\n\n');
  assert.equal(parser.lastId, '42');
  assert.equal(parser.retryMs, null);
});
