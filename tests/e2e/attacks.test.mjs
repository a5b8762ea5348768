// A stack with authentication on, and everything that must not get through: each attack is refused, logged without secrets, and leaves
// the daemons serving those who mean well.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { call, grpc, insecure, load } from '../env/grpc.mjs';
import { claims, makeIssuer, now, sign, token } from '../env/jwt.mjs';
import { source } from '../env/media.mjs';
import { Stack, until } from '../env/stack.mjs';

const issuer = makeIssuer();
const stack = new Stack('attacks', 16080);
const secrets = [issuer.secret];   // and every token that is sent: none may be found in a log
const good = () => remember(token(issuer));
const remember = (text) => {
  secrets.push(text);
  return text;
};
const bearer = (text) => (text === undefined ? {} : { authorization: `Bearer ${text}` });
const tus = { 'tus-resumable': '1.0.0' };
const encode = (text) => Buffer.from(text).toString('base64');

before(async () => {
  await stack.down(['--wipe']);
  await mkdir(stack.home, { recursive: true });
  const jwks = path.join(stack.home, 'jwks.json');
  await writeFile(jwks, JSON.stringify(issuer.jwks));
  Object.assign(stack.env, {
    VORA_AUTH: 'jwt',
    VORA_JWT_SECRET: issuer.secret,
    VORA_JWT_JWKS: jwks,
    VORA_JWT_AUDIENCE: 'vora',
    VORA_JWT_ISSUER: 'https://id.example.org',
    VORA_FLEET_SECRET: remember(crypto.randomBytes(32).toString('hex')),
    // Short, so that the slow attackers below are seen off within the test; far above what loopback needs.
    VORA_HEADER_TIMEOUT: '2s',
    VORA_MIN_BODY_RATE: '1KiB',
    VORA_UPLOAD_IDLE_TIMEOUT: '4s',
    VORA_MAX_CONNECTIONS_PER_CLIENT: '150',
    VORA_MAX_REQUESTS_PER_SECOND_PER_CLIENT: '5000',
    VORA_TRUSTED_PROXIES: 'none',   // else loopback would be a proxy, and exempt
    VORA_LOG_LEVEL: 'debug',   // logs say the most at this level, and must hold no secret even then
  });
  await stack.up();
  stack.token = good();
});
after(() => stack.down());

const rest = (headers, method = 'GET', pathname = '/v1/videos') => fetch(stack.edge + pathname, { method, headers, signal: AbortSignal.timeout(10_000) });
const createUpload = (headers, more = {}) =>
  fetch(stack.uploads, { method: 'POST', headers: { ...tus, 'upload-length': '10', ...headers, ...more }, signal: AbortSignal.timeout(10_000) });
const videos = () => new (load('vora/metadata/v1/metadata.proto').vora.metadata.v1.VideoService)(`127.0.0.1:${stack.portBase + 1002}`, insecure());

const uploadCount = async () => (await readdir(path.join(stack.home, 'objects/raw')).catch(() => [])).length;

// Every daemon still does its work: asked at the end of each attack.
async function assertServing() {
  assert.equal((await rest(bearer(good()))).status, 200);
  const created = await createUpload(bearer(good()));
  assert.equal(created.status, 201, await created.text());
  const ended = await fetch(created.headers.get('location'), { method: 'DELETE', headers: { ...tus, ...bearer(good()) } });
  assert.equal(ended.status, 204);
}

test('a good token is let in, whatever its kind of key', async () => {
  for (const alg of ['HS256', 'RS256', 'ES256']) {
    const text = remember(token(issuer, {}, alg));
    assert.equal((await rest(bearer(text))).status, 200, alg);
    const client = videos();
    assert.ok((await call(client, 'ListVideos', {}, bearer(text))).videos, alg);
    client.close();
  }
  await assertServing();
});

const publicPem = issuer.rsa.publicKey.export({ type: 'spki', format: 'pem' });
const otherRsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.`;
const bad = {
  'no token': undefined,
  'an empty token': '',
  'no JWT at all': 'letmein',
  'forged: another secret': sign({ alg: 'HS256', typ: 'JWT' }, claims(), 'x'.repeat(32)),
  'forged: claims changed under the signature': (() => {
    const [head, , signature] = token(issuer, { sub: 'mallory' }).split('.');
    return `${head}.${Buffer.from(JSON.stringify(claims({ sub: 'admin', tenant: 'other' }))).toString('base64url')}.${signature}`;
  })(),
  'forged: an RSA key that nobody knows': sign({ alg: 'RS256', kid: 'rsa-1' }, claims(), otherRsa.privateKey),
  'an unknown key id': sign({ alg: 'RS256', kid: 'rsa-9' }, claims(), otherRsa.privateKey),
  'a key of its own in the header': sign({ alg: 'RS256', jwk: otherRsa.publicKey.export({ format: 'jwk' }) }, claims(), otherRsa.privateKey),
  'alg=none': unsigned,
  'alg=NonE with a signature': `${Buffer.from('{"alg":"NonE"}').toString('base64url')}.${token(issuer).split('.').slice(1).join('.')}`,
  'HS256 with the public RSA key as secret': sign({ alg: 'HS256', kid: 'rsa-1' }, claims(), publicPem),
  'ES256 said of an HS256 signature': `${Buffer.from('{"alg":"ES256","kid":"ec-1"}').toString('base64url')}.${token(issuer).split('.').slice(1).join('.')}`,
  'a signature of zeros for ES256': `${Buffer.from('{"alg":"ES256","kid":"ec-1"}').toString('base64url')}.${token(issuer).split('.')[1]}.${Buffer.alloc(64).toString('base64url')}`,
  'expired': token(issuer, { exp: now() - 3600 }),
  'not valid yet': token(issuer, { nbf: now() + 3600 }),
  'without an expiry': token(issuer, { exp: undefined }),
  'an expiry that is text': token(issuer, { exp: 'tomorrow' }),
  'for another audience': token(issuer, { aud: 'billing' }),
  'for no audience': token(issuer, { aud: undefined }),
  'of another issuer': token(issuer, { iss: 'https://evil.example.org' }),
  'with a critical extension': sign({ alg: 'HS256', crit: ['b64'], b64: false }, claims(), issuer.secret),
  'with thousands of characters after the signature': `${token(issuer)}${'A'.repeat(5_000)}`,
};

for (const [name, text] of Object.entries(bad)) {
  test(`a token ${name} is refused by REST, tus and gRPC`, async () => {
    if (text) remember(text);
    const uploads = await uploadCount();
    for (const answer of [await rest(bearer(text)), await createUpload(bearer(text))]) {
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      const body = await answer.text();
      assert.equal(JSON.parse(body).error.code, 'UNAUTHENTICATED');
      if (text) assert.ok(!body.includes(text), 'the token is repeated in the answer');
    }
    assert.equal(await uploadCount(), uploads, 'an upload came into being');
    const client = videos();
    await assert.rejects(call(client, 'ListVideos', {}, bearer(text)), (error) => error.code === grpc.status.UNAUTHENTICATED, name);
    client.close();
  });
}

test('a scope opens what it names and nothing else', async () => {
  const only = (scope) => bearer(remember(token(issuer, { scope })));
  const refused = async (answer, scope) => {
    assert.equal(answer.status, 403);
    assert.match((await answer.json()).error.message, new RegExp(scope));
  };
  assert.equal((await rest(only('read'))).status, 200);
  await refused(await createUpload(only('read')), 'upload');
  // What browsers may ask without a token is no way in under another name.
  for (const name of ['POST', 'PATCH', 'HEAD', 'DELETE']) {
    const target = name === 'POST' ? stack.uploads : `${stack.uploads}${'0'.repeat(32)}`;
    const disguised = await fetch(target, { method: 'OPTIONS', headers: { ...tus, 'upload-length': '10', 'x-http-method-override': name } });
    assert.equal(disguised.status, 401, name);
  }
  await refused(await rest(only('upload')), 'read');
  await refused(await rest(only('read'), 'POST', '/v1/videos'), 'write');
  await refused(await rest(only('read write upload'), 'GET', '/v1/fleet'), 'operate');
  await refused(await rest(only('')), 'read');
  // `fleet` is not for sale: only daemons have it.
  const activities = new (load('vora/workflow/v1/workflow.proto').vora.workflow.v1.ActivityService)(`127.0.0.1:${stack.portBase + 1005}`, insecure());
  await assert.rejects(
    call(activities, 'PollActivities', { queue: 'encode', max_tasks: 1 }, only('upload read write operate fleet')),
    (error) => error.code === grpc.status.PERMISSION_DENIED || error.code === grpc.status.UNAUTHENTICATED,
  );
  activities.close();
});

test('every documented REST route asks for a token, but those that say they do not', async () => {
  const document = await (await fetch(`${stack.edge}/openapi.json`)).json();
  let closed = 0;
  for (const [pattern, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!operation.responses) continue;   // parameters of the path
      const open = operation.security !== undefined && operation.security.length === 0;
      const pathname = pattern.replace(/\{[^}]*\}/g, '0'.repeat(32));
      const answer = await rest({}, method.toUpperCase(), pathname);
      await answer.body?.cancel();
      if (!open) {
        assert.equal(answer.status, 401, `${method} ${pattern}`);
        closed += 1;
      } else {
        assert.notEqual(answer.status, 401, `${method} ${pattern}`);
      }
    }
  }
  assert.ok(closed >= 15, `${closed} routes are closed`);
});

test('every gRPC method asks for credentials', async () => {
  const files = {
    'vora/upload/v1/upload.proto': { UploadService: 1001, UploadListener: 1002 },
    'vora/metadata/v1/metadata.proto': { VideoService: 1002 },
    'vora/metadata/v1/fleet.proto': { FleetService: 1002 },
    'vora/playback/v1/playback.proto': { PlaybackService: 1002, GatewayService: 1003 },
    'vora/workflow/v1/workflow.proto': { WorkflowService: 1005, ActivityService: 1005 },
    'vora/analytics/v1/analytics.proto': { AnalyticsIngest: 1004 },
    'vora/analytics/v1/queries.proto': { AnalyticsQueries: 1002 },
  };
  let asked = 0;
  for (const [file, services] of Object.entries(files)) {
    const packages = load(file).vora[file.split('/')[1]].v1;
    for (const [name, offset] of Object.entries(services)) {
      for (const [method, { requestStream, responseStream }] of Object.entries(packages[name].service)) {
        const client = new packages[name](`127.0.0.1:${stack.portBase + offset}`, insecure());
        const status = await new Promise((resolve) => {
          const deadline = { deadline: Date.now() + 5000 };
          const unary = (error) => resolve(error?.code ?? grpc.status.OK);
          const stream = requestStream ? client[method](deadline, unary) : responseStream ? client[method]({}, deadline) : client[method]({}, deadline, unary);
          stream.on('error', (error) => resolve(error.code));
          stream.on('data', () => {});
          if (responseStream) stream.on('end', () => resolve(grpc.status.OK));
          if (requestStream) stream.end();
        });
        client.close();
        assert.equal(status, grpc.status.UNAUTHENTICATED, `${name}/${method}`);
        asked += 1;
      }
    }
  }
  assert.ok(asked >= 25, `${asked} methods were asked`);
});

test('a tenant sees nothing of another', async () => {
  const file = await source({ seconds: 5, width: 640, height: 360 });
  const mine = remember(token(issuer, { tenant: 'acme', sub: 'anna' }));
  const theirs = bearer(remember(token(issuer, { tenant: 'globex', sub: 'bert' })));
  stack.token = mine;
  const created = await stack.upload(file, ['--title', 'Acme quarterly']);
  await stack.reach(created.video_id);
  stack.token = good();

  for (const suffix of ['', '/history', '/analytics', '/sessions', '/events']) {
    const answer = await rest(theirs, 'GET', `/v1/videos/${created.video_id}${suffix}`);
    await answer.body?.cancel();
    assert.equal(answer.status, 404, suffix);
  }
  for (const [method, suffix] of [['DELETE', ''], ['POST', '/cancel'], ['POST', '/retry']]) {
    assert.equal((await rest(theirs, method, `/v1/videos/${created.video_id}${suffix}`)).status, 404, `${method} ${suffix}`);
  }
  assert.deepEqual((await (await rest(theirs)).json()).videos ?? [], []);
  assert.ok(!(await (await rest(bearer(good()))).text()).includes('Acme quarterly'), 'tenant default sees it');
  const upload = `${stack.uploads}${created.upload_id}`;
  for (const method of ['HEAD', 'DELETE']) assert.equal((await fetch(upload, { method, headers: { ...tus, ...theirs } })).status, 404, method);
  const answer = await fetch(`${stack.edge}/v1/videos`, { method: 'POST', headers: { ...theirs, 'content-type': 'application/json' }, body: JSON.stringify({ upload_id: created.upload_id }) });
  assert.equal(answer.status, 404);
  const client = videos();
  await assert.rejects(call(client, 'GetVideo', { video_id: created.video_id }, theirs), (error) => error.code === grpc.status.NOT_FOUND);
  client.close();
  // And it is still there for its owner.
  assert.equal((await rest(bearer(mine), 'GET', `/v1/videos/${created.video_id}`)).status, 200);
});

test('a tenant name cannot be used to reach elsewhere', async () => {
  for (const tenant of ["x' OR '1'='1", '../default', 'a\r\nb', '', 'x'.repeat(300), 7, ['acme'], null]) {
    const answer = await rest(bearer(remember(token(issuer, { tenant }))));
    assert.equal(answer.status, 401, JSON.stringify(tenant));
  }
});

test('a token is refused once it has expired, though it was let in a moment ago', async () => {
  // 30 s of leeway are granted to clocks: this one has a few seconds of it left.
  const text = remember(token(issuer, { iat: now() - 600, exp: now() - 26 }));
  assert.equal((await rest(bearer(text))).status, 200);
  await until('the token to be refused', async () => (await rest(bearer(text))).status === 401, { timeout: 15_000 });
  const client = videos();
  await assert.rejects(call(client, 'ListVideos', {}, bearer(text)), (error) => error.code === grpc.status.UNAUTHENTICATED);
  client.close();
});

// Sends bytes as they are and gives what comes back until the end.
async function raw(port, bytes, { timeout = 10_000 } = {}) {
  const socket = net.connect(port, '127.0.0.1');
  socket.setTimeout(timeout, () => socket.destroy());
  let answer = '';
  socket.on('data', (data) => { answer += data.toString('latin1'); });
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  await once(socket, 'close');
  return answer;
}
const ports = { edge: 0, upload: 1, metadata: 2, gateway: 3, analytics: 4 };
const status = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);

test('paths cannot climb out of where they belong', async () => {
  const secret = (await readFile(path.join(stack.home, 'secrets/postgres'), 'utf8')).trim();
  const climbs = ['/../../../../etc/passwd', '/..%2f..%2f..%2fetc%2fpasswd', '/%2e%2e/%2e%2e/etc/passwd', '/....//....//etc/passwd', '/..%5c..%5cetc%5cpasswd', '/%00', '/x%00.mp4', '/..%252f..%252fsecrets'];
  for (const [name, offset] of Object.entries(ports)) {
    for (const prefix of ['', '/files', '/v', `/v/${'0'.repeat(32)}`, '/v1/videos', '/assets', '/watch']) {
      for (const climb of climbs) {
        const answer = await raw(stack.portBase + offset, `GET ${prefix}${climb} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer ${good()}\r\nConnection: close\r\n\r\n`);
        assert.ok(status(answer) >= 400 || /<!doctype html>/i.test(answer), `${name} ${prefix}${climb}: ${answer.slice(0, 200)}`);
        assert.ok(status(answer) < 500, `${name} ${prefix}${climb}: ${answer.slice(0, 200)}`);
        assert.ok(!/root:.*:0:0:/.test(answer) && !answer.includes(secret), `${name} ${prefix}${climb} gave away a file`);
      }
    }
  }
  await assertServing();
});

test('malformed and smuggled requests are refused', async () => {
  const requests = {
    'two lengths': 'POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc',
    'a length and chunks': 'POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'a length below zero': 'POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'a length beyond numbers': `POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: ${'9'.repeat(40)}\r\n\r\n`,
    'a chunk size of letters': 'POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\nabc\r\n0\r\n\r\n',
    'no HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'a header without a name': 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n',
    'a control character in a header': 'GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x01b\r\n\r\n',
  };
  for (const [name, bytes] of Object.entries(requests)) {
    for (const [daemon, offset] of Object.entries({ upload: 1, metadata: 2, gateway: 3, analytics: 4 })) {
      const answer = await raw(stack.portBase + offset, bytes);
      const first = status(answer);
      assert.ok(answer === '' || (first >= 400 && first < 500), `${name} at ${daemon}: ${answer.slice(0, 120)}`);
      assert.ok((answer.match(/^HTTP\/1\.1 /gm) ?? []).length <= 1, `${name} at ${daemon} was taken for two requests`);
    }
  }
  await assertServing();
});

test('oversized headers and bodies are refused and name the limit', async () => {
  const big = await raw(stack.portBase + 2, `GET /v1/videos HTTP/1.1\r\nHost: x\r\nX-Big: ${'a'.repeat(64 << 10)}\r\n\r\n`);
  assert.equal(status(big), 431, big.slice(0, 200));
  const many = await raw(stack.portBase + 2, `GET /v1/videos HTTP/1.1\r\nHost: x\r\n${Array.from({ length: 5000 }, (_, i) => `X-${i}: a\r\n`).join('')}\r\n`);
  assert.equal(status(many), 431, many.slice(0, 200));
  for (const [method, pathname] of [['POST', '/v1/videos'], ['POST', '/e']]) {
    const answer = await fetch(stack.edge + pathname, { method, headers: { ...bearer(good()), 'content-type': 'application/json' }, body: JSON.stringify({ title: 'x'.repeat(8 << 20) }) }).catch((error) => error);
    // The connection may be cut before a sender of so much has read the answer.
    if (answer instanceof Error) assert.match(String(answer.cause ?? answer), /EPIPE|ECONNRESET|closed/i);
    else assert.ok([413, 429].includes(answer.status), `${pathname}: ${answer.status} ${await answer.text()}`);
  }
  const huge = await createUpload(bearer(good()), { 'upload-length': String(2n ** 60n) });
  assert.equal(huge.status, 413);
  await assertServing();
});

test('slow headers and slow bodies are cut off while others are served', async () => {
  const began = Date.now();
  const slow = [];
  // Slowloris: headers that never end, and a body of a byte now and then.
  for (let i = 0; i < 60; ++i) {
    const socket = net.connect(stack.portBase + (i % 2 ? 1 : 2), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /v1/videos HTTP/1.1\r\nHost: x\r\nX-${i}: `);
    const drip = setInterval(() => socket.writable && socket.write('a'), 300);
    slow.push(once(socket, 'close').then(() => clearInterval(drip)));
    socket.resume();
  }
  const created = await createUpload(bearer(good()), { 'upload-length': '1000000' });
  const { pathname } = new URL(created.headers.get('location'));
  for (let i = 0; i < 10; ++i) {
    const socket = net.connect(stack.portBase + 1, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`PATCH ${pathname} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${good()}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 1000000\r\n\r\n`);
    const drip = setInterval(() => socket.writable && socket.write('a'), 300);
    slow.push(once(socket, 'close').then(() => clearInterval(drip)));
    socket.resume();
  }
  await assertServing();
  const all = Promise.all(slow);
  await Promise.race([all, new Promise((_, reject) => setTimeout(() => reject(new Error('slow clients are still connected after 40 s')), 40_000).unref())]);
  assert.ok(Date.now() - began < 40_000);
  await assertServing();
});

test('one client cannot take all connections', async () => {
  const sockets = [];
  for (let i = 0; i < 400; ++i) {
    const socket = net.connect(stack.portBase + 1, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    sockets.push(socket);
  }
  await until('connections above the limit to be closed', () => sockets.filter((s) => s.closed).length >= 250, { timeout: 10_000 });
  const metrics = await (await fetch(`http://127.0.0.1:${stack.portBase + 1101}/metrics`)).text();
  assert.match(metrics, /^vora_http_refused_total\{reason="[a-z_]*connections[a-z_]*"\} [1-9]/m);
  for (const socket of sockets) socket.destroy();
  await until('the next one to be served', async () => (await createUpload(bearer(good()))).status === 201, { timeout: 10_000 });
});

test('malformed protobuf and JSON are errors of the caller', async () => {
  for (const [offset, method] of [[1002, '/vora.metadata.v1.VideoService/ListVideos'], [1005, '/vora.workflow.v1.WorkflowService/StartWorkflow'], [1001, '/vora.upload.v1.UploadService/GetUpload']]) {
    const client = new grpc.Client(`127.0.0.1:${stack.portBase + offset}`, insecure());
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), crypto.randomBytes(2000), Buffer.alloc(5 << 20, 0x0a)]) {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${good()}`);
      const error = await new Promise((resolve) => client.makeUnaryRequest(method, (b) => b, (b) => b, bytes, metadata, { deadline: Date.now() + 5000 }, (e) => resolve(e)));
      assert.ok(error && error.code !== grpc.status.DEADLINE_EXCEEDED, method);
    }
    client.close();
  }
  // Noise instead of HTTP/2.
  for (const offset of [1001, 1002, 1003, 1004, 1005, 1006]) await raw(stack.portBase + offset, crypto.randomBytes(4096), { timeout: 1500 });
  const json = { ...bearer(good()), 'content-type': 'application/json' };
  for (const body of ['{', '[]', '"x"', 'null', '{"upload_id":7}', '{"upload_id":"x","upload_id":"y"}', `${'['.repeat(100_000)}`, '{"title":"\\ud800"}', '\xff\xfe', '{"nonsense":1}']) {
    const answer = await fetch(`${stack.edge}/v1/videos`, { method: 'POST', headers: json, body });
    assert.equal(answer.status, 400, `${body.slice(0, 40)}: ${answer.status}`);
    assert.ok((await answer.json()).error.message);
  }
  for (const body of ['{', '[[[[', '{"events":7}', `${'{"a":'.repeat(50_000)}`]) {
    const answer = await fetch(`${stack.edge}/e`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    assert.ok(answer.status >= 400 && answer.status < 500, `${body.slice(0, 20)}: ${answer.status}`);
  }
  await assertServing();
});

test('SQL, header and log injection in names change nothing but the name', async () => {
  const file = await source({ seconds: 5, width: 640, height: 360 });
  const names = ["'; DROP TABLE videos; --", '<script>alert(1)</script>', '$(reboot).mp4', '../../etc/cron.d/x', '%n%s%x', '\u202egpj.exe', '{"level":"error"}'];
  for (const name of names) {
    const created = await stack.upload(file, ['--title', name]);
    assert.equal((await stack.video(created.video_id)).title, name);
    const list = await rest(bearer(stack.token), 'GET', `/v1/videos?query=${encodeURIComponent(name)}`);
    assert.ok((await list.json()).videos.some((video) => video.video_id === created.video_id), name);
    assert.equal((await rest(bearer(stack.token), 'DELETE', `/v1/videos/${created.video_id}`)).status, 204);
  }
  for (const query of ["state=READY'--", "page_token=' OR 1=1--", 'page_size=1;DROP TABLE videos', "page_token=AAAA'"]) {
    assert.equal((await rest(bearer(stack.token), 'GET', `/v1/videos?${query.replace(/ /g, '%20')}`)).status, 400, query);
  }
  // Line breaks in names end neither a header nor a line of the log.
  const split = 'a\r\nSet-Cookie: owned=1\r\n\r\n{"level":"error","msg":"forged"}';
  const answer = await createUpload(bearer(good()), { 'upload-metadata': `filename ${encode(split)}` });
  if (answer.status === 201) {
    const head = await fetch(answer.headers.get('location'), { method: 'HEAD', headers: { ...tus, ...bearer(good()) } });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('set-cookie'), null);
  } else {
    assert.equal(answer.status, 400);
  }
  for (const part of ['upload', 'metadata']) assert.ok(!(await stack.logs(part)).some((line) => line.msg === 'forged'), part);
  await assertServing();
});

test('after all of it: the daemons are those that were started, and their logs hold no secret', async () => {
  const folder = path.join(stack.home, 'logs');
  const passwords = [];
  for (const name of ['postgres', 'clickhouse', 'viewers']) passwords.push((await readFile(path.join(stack.home, 'secrets', name), 'utf8')).trim());
  for (const file of await readdir(folder)) {
    const text = await readFile(path.join(folder, file), 'utf8');
    for (const secret of [...secrets, ...passwords]) if (secret) assert.ok(!text.includes(secret), `${file} holds a secret: ...${secret.slice(-6)}`);
    assert.ok(!/"level":"(fatal|critical)"/.test(text), file);
  }
  for (const part of ['orchestrator', 'metadata', 'upload', 'transcode-worker', 'analytics-ingest', 'streaming-gateway', 'varnish']) {
    assert.ok(await stack.pid(part), `${part} died`);
    const starts = (await stack.logs(part)).filter((line) => line.msg === 'listening').length;
    if (part !== 'varnish') assert.equal(starts, 1, `${part} was started ${starts} times`);
  }
  // The refusals were noticed.
  const refusals = (await stack.logs('metadata')).filter((line) => /refused/.test(line.msg) && /token|auth|credential/i.test(JSON.stringify(line)));
  assert.ok(refusals.length > 0, 'no refusal in the log of metadata');
  const metrics = await (await fetch(`http://127.0.0.1:${stack.portBase + 1102}/metrics`)).text();
  for (const reason of ['expired', 'audience']) assert.match(metrics, new RegExp(`^vora_auth_refused_total\\{[^}]*reason="[^"]*${reason}[^"]*"[^}]*\\} [1-9]`, 'm'));
  const file = await source({ seconds: 5, width: 640, height: 360 });
  await stack.reach((await stack.upload(file)).video_id);
});
