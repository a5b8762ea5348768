// A collector of spans: takes OTLP over HTTP as JSON, and holds what it is given to the protocol.
// https://opentelemetry.io/docs/specs/otlp/, opentelemetry/proto/trace/v1/trace.proto
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';

export const newTraceparent = () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
export const traceIdOf = (traceparent) => traceparent.slice(3, 35);
export const spanIdOf = (traceparent) => traceparent.slice(36, 52);

const keysOf = (object, allowed, what) => {
  for (const key of Object.keys(object)) assert.ok(allowed.includes(key), `${what} has the unknown field ${key}`);
};

// { key: value } of OTLP attributes.
function attributes(list, what) {
  assert.ok(Array.isArray(list), `${what}: attributes is no list`);
  const out = {};
  for (const { key, value, ...rest } of list) {
    assert.deepEqual(rest, {}, what);
    assert.equal(typeof key, 'string', what);
    assert.ok(!(key in out), `${what}: ${key} stands twice`);
    assert.equal(Object.keys(value).length, 1, `${what}: ${key}`);
    if ('stringValue' in value) {
      assert.equal(typeof value.stringValue, 'string', what);
      out[key] = value.stringValue;
    } else {
      assert.match(value.intValue, /^-?\d+$/, `${what}: an int64 is a string`);
      out[key] = Number(value.intValue);
    }
  }
  return out;
}

function readSpan(span, service) {
  const what = `span ${span.name} of ${service}`;
  keysOf(span, ['traceId', 'spanId', 'parentSpanId', 'flags', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano', 'attributes', 'status'], what);
  assert.match(span.traceId, /^[0-9a-f]{32}$/, what);
  assert.match(span.spanId, /^[0-9a-f]{16}$/, what);
  assert.notEqual(span.spanId, '0'.repeat(16), what);
  if ('parentSpanId' in span) assert.match(span.parentSpanId, /^[0-9a-f]{16}$/, what);
  assert.ok(Number.isInteger(span.kind) && span.kind >= 1 && span.kind <= 5, what);
  assert.ok(span.name.length > 0 && !/[0-9a-f]{32}/.test(span.name), `${what}: a name is of few`);
  for (const time of [span.startTimeUnixNano, span.endTimeUnixNano]) assert.match(time, /^\d{19}$/, `${what}: nanoseconds since 1970, as a string`);
  const start = BigInt(span.startTimeUnixNano), end = BigInt(span.endTimeUnixNano);
  assert.ok(end >= start, `${what} ends before it begins`);
  const now = BigInt(Date.now()) * 1_000_000n;
  assert.ok(end <= now + 1_000_000_000n && start > now - 3_600_000_000_000n, `${what} is of another time`);
  if (span.status) {
    keysOf(span.status, ['code', 'message'], what);
    assert.ok([0, 1, 2].includes(span.status.code), what);
  }
  return { service, name: span.name, kind: span.kind, traceId: span.traceId, spanId: span.spanId, parent: span.parentSpanId ?? '', start, end,
    failed: span.status?.code === 2, error: span.status?.message ?? '', attributes: attributes(span.attributes ?? [], what) };
}

function readRequest(body) {
  const spans = [];
  keysOf(body, ['resourceSpans'], 'request');
  for (const { resource, scopeSpans, ...rest } of body.resourceSpans) {
    assert.deepEqual(rest, {});
    const { 'service.name': service, 'service.instance.id': instance } = attributes(resource.attributes, 'resource');
    assert.match(service, /^vora-/);
    assert.match(instance, /^[0-9a-f]{32}$/);
    for (const { scope, spans: list, ...other } of scopeSpans) {
      assert.deepEqual(other, {});
      assert.equal(scope.name, 'vora');
      for (const span of list) spans.push(readSpan(span, service));
    }
  }
  return spans;
}

export class Collector {
  spans = [];
  faults = [];   // of the protocol; a test asserts that there are none
  requests = 0;

  async start(port = 0) {
    this.server = http.createServer((request, response) => {
      const blocks = [];
      request.on('data', (block) => blocks.push(block));
      request.on('end', () => {
        this.requests += 1;
        try {
          assert.equal(`${request.method} ${request.url}`, 'POST /v1/traces');
          assert.equal(request.headers['content-type'], 'application/json');
          this.spans.push(...readRequest(JSON.parse(Buffer.concat(blocks).toString('utf8'))));
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}');
        } catch (error) {
          this.faults.push(error.message);
          response.writeHead(400).end();
        }
      });
    });
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }
  // At once, as one that crashes.
  async kill() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
  trace(id) {
    return this.spans.filter((span) => span.traceId === id);
  }
  // Spans whose parent is neither in the trace nor among `known`.
  orphans(id, known) {
    const spans = this.trace(id);
    const ids = new Set([...spans.map((span) => span.spanId), ...known]);
    return spans.filter((span) => span.parent && !ids.has(span.parent));
  }
}
