// Vora's CMCD parser against an encoder of another make: what @svta/cml-cmcd writes, Vora must read as that library reads it itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';

import { decodeCmcd, encodeCmcd, toCmcdHeaders, toCmcdQuery } from '@svta/cml-cmcd';
import { SfItem, SfToken } from '@svta/cml-structured-field-values';

import { stack } from './stack.mjs';

const cases = 3000;

// Repeatable (mulberry32).
function randomOf(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

class Generator {
  constructor(seed) {
    this.random = randomOf(seed);
  }
  below(limit) {
    return Math.floor(this.random() * limit);
  }
  maybe(value, chance = 0.6) {
    return this.random() < chance ? value() : undefined;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  text(limit, alphabet = 'abcXYZ019-_.:/?#[]@!$&\'()*+,;="\\ %~') {
    return Array.from({ length: 1 + this.below(limit) }, () => this.pick(alphabet)).join('');
  }
  list(value) {
    return Array.from({ length: 1 + this.below(3) }, () => {
      const item = value();
      return this.random() < 0.3 ? new SfItem(item, { [this.pick(['v', 'a', 'tt'])]: true }) : item;
    });
  }
  record(version) {
    const many = (value) => (version === 2 ? this.list(value) : value());
    const number = (limit) => () => this.below(limit);
    const record = {
      v: version,
      sid: this.maybe(() => this.text(64)),
      cid: this.maybe(() => this.text(60)),
      br: this.maybe(() => many(number(60_000))),
      tb: this.maybe(() => many(number(60_000))),
      bl: this.maybe(() => many(number(100_000))),
      mtp: this.maybe(() => many(number(500_000))),
      d: this.maybe(number(20_000)),
      dl: this.maybe(number(20_000)),
      rtp: this.maybe(number(100_000)),
      pr: this.maybe(() => this.pick([0, 0.5, 1, 1.08, 1.25, 2])),
      ot: this.maybe(() => this.pick(['m', 'a', 'v', 'av', 'i', 'c', 'tt', 'k', 'o'])),
      sf: this.maybe(() => this.pick(['d', 'h', 's', 'o'])),
      st: this.maybe(() => this.pick(['v', 'l'])),
      bs: this.maybe(() => this.random() < 0.5),
      su: this.maybe(() => this.random() < 0.5),
      nor: this.maybe(() => `../${this.text(20)}`),
      [`com.example-${this.text(8, 'abcdef-.')}x`]: this.maybe(() => this.pick(['text', 7, 1.5, true, 'a"b\\c'])),
    };
    if (version === 1) return record;
    return {
      ...record,
      sn: this.maybe(number(1000)),
      sta: this.maybe(() => this.pick(['s', 'p', 'k', 'r', 'a', 'w', 'e', 'f', 'q', 'd'])),
      pt: this.maybe(number(10_000_000)),
      msd: this.maybe(number(10_000)),
      bsd: this.maybe(() => this.list(number(10_000))),
      ec: this.maybe(() => Array.from({ length: 1 + this.below(2) }, () => this.text(10))),
    };
  }
  event() {
    return {
      ...this.record(2),
      e: this.pick(['ps', 'e', 't', 'c', 'b', 'm', 'um', 'pe', 'pc', 'rr', 'bc', 'pr']),
      ts: 1_700_000_000_000 + this.below(1e9),
      rc: this.maybe(() => this.pick([200, 206, 404])),
      ttfb: this.maybe(() => this.below(5000)),
      ttlb: this.maybe(() => this.below(5000)),
      url: this.maybe(() => `https://cdn.example/v/1/720p/seg_${this.below(100)}.m4s?${this.text(10)}`),
    };
  }
}

const known = ['br', 'tb', 'bl', 'd', 'mtp', 'dl', 'rtp', 'ttfb', 'ttlb', 'ts', 'sn', 'pt', 'msd', 'bsd', 'rc', 'sid', 'cid', 'ot', 'sf', 'st', 'nor', 'e',
  'sta', 'ec', 'url', 'pr', 'su', 'bs'];

// What the library itself reads from its text, with Vora's choice from lists: the video's, else the first.
function expected(text) {
  const read = decodeCmcd(text, { useSymbol: false });
  const out = { v: read.v ?? 1 };
  for (const key of known) {
    let value = read[key];
    if (Array.isArray(value)) value = value.find((item) => item instanceof SfItem && item.params?.v) ?? value[0];
    if (value instanceof SfItem) value = value.value;
    if (value instanceof SfToken) value = value.description;
    if (value !== undefined && value !== false) out[key] = value;
  }
  return out;
}

async function dump(lines, ...args) {
  const child = spawn(path.join(stack.build, 'bin/cmcd_dump'), args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (piece) => { out += piece; });
  child.stdin.end(lines.map((line) => `${line}\n`).join(''));
  await once(child, 'close');
  return out.trimEnd().split('\n').map((line) => JSON.parse(line));
}

function compare(texts, read) {
  assert.equal(read.length, texts.length);
  texts.forEach((text, i) => assert.deepEqual(read[i], expected(text), text));
}

for (const [name, version, options] of [
  ['version 1 in a query', 1, { version: 1 }],
  ['version 2 in a query', 2, { version: 2 }],
  ['version 2 in event mode', 2, { version: 2, reportingMode: 'event' }],
]) {
  test(`${cases} records of ${name} are read alike`, async () => {
    const generator = new Generator(version * 1000 + name.length);
    const texts = Array.from({ length: cases }, () => {
      const record = options.reportingMode ? generator.event() : generator.record(version);
      const text = encodeCmcd(record, options);
      // The query argument is this text, percent-encoded, and nothing else.
      assert.equal(new URLSearchParams(toCmcdQuery(record, options)).get('CMCD') ?? '', text);
      return text;
    }).filter(Boolean);
    assert.ok(texts.length > cases * 0.9);
    compare(texts, await dump(texts));
  });
}

for (const version of [1, 2]) {
  test(`${cases} records of version ${version} in headers are read alike`, async () => {
    const generator = new Generator(version * 77);
    const records = Array.from({ length: cases }, () => toCmcdHeaders(generator.record(version), { version }));
    const names = ['CMCD-Object', 'CMCD-Request', 'CMCD-Session', 'CMCD-Status'];
    const read = await dump(records.map((headers) => names.map((name) => headers[name] ?? '').join('\t')), 'headers');
    compare(records.map((headers) => names.map((name) => headers[name]).filter(Boolean).join(',')), read);
  });
}
