// Every arrow between our parts, and to their stores, is broken in every way for some seconds while a video is uploaded and processed and another
// one is played. Meanwhile whoever does not need the arrow does not suffer, all stay alive, and what is wrong is said; healed, the video becomes
// READY, and in the end nothing was lost, done twice or left behind.
//
// Here each arrow is stalled and cut off one way, and the two that the engine hangs on are broken in every way; VORA_NETWORK_MATRIX=long breaks
// every arrow in every way. VORA_NETWORK_CELLS=TEXT takes only the cells whose names have it.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { faults, Gate } from '../env/gate.mjs';
import { assertNothingIsLeftOver } from '../env/leftovers.mjs';
import { parsePlaylist } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { S3Server } from '../env/s3.mjs';
import { short, shortLadder } from '../env/shorts.mjs';
import { Stack, until } from '../env/stack.mjs';

const base = 29080;
const held = 3000;   // a fault lasts at least so long
const orchestrator = base + 1005, metadata = base + 1002, postgres = base + 1200, s3Port = 17510;

// `part`: who asks; `to`: the port of who answers; `settings`: how it is led through the gate, given the gate's address. `says`: how its /readyz
// names the trouble; without it the part goes on being ready, since most of what it does needs no such arrow. `slow`: it says so late.
const arrows = {
  'worker -> orchestrator': {
    part: 'transcode-worker', to: orchestrator, settings: (at) => ({ VORA_ORCHESTRATOR: at }), says: /orchestrator: no answer/, slow: true,
  },
  'metadata -> orchestrator': { part: 'metadata', to: orchestrator, settings: (at) => ({ VORA_ORCHESTRATOR: at }) },
  'orchestrator -> PostgreSQL': { part: 'orchestrator', to: postgres, settings: (at) => database(at, 'vora_orchestrator'), says: /database: / },
  'metadata -> PostgreSQL': { part: 'metadata', to: postgres, settings: (at) => database(at, 'vora_metadata'), says: /database: /, noRest: true },
  'worker -> object store': { part: 'transcode-worker', to: s3Port, settings: store, says: /storage: / },
  'gateway -> metadata': { part: 'streaming-gateway', to: metadata, settings: (at) => ({ VORA_METADATA: at }) },
  'gateway -> object store': { part: 'streaming-gateway', to: s3Port, settings: store, says: /store: /, noOrigin: true },
  'upload -> object store': { part: 'upload', to: s3Port, settings: store, says: /object store: /, noUpload: true },
  'upload -> metadata': { part: 'upload', to: metadata, settings: (at) => ({ VORA_UPLOAD_LISTENERS: at }) },
};
const daemons = ['orchestrator', 'metadata', 'upload', 'transcode-worker', 'streaming-gateway'];
const total = ['refuse', 'stall', 'lose requests', 'lose answers'];   // what a part can but notice; the others pass by
const everyFault = ['worker -> orchestrator', 'orchestrator -> PostgreSQL'];

const long = process.env.VORA_NETWORK_MATRIX === 'long';
const cells = Object.keys(arrows)
  .flatMap((arrow) => Object.keys(faults).map((fault) => ({ arrow, fault, name: `${arrow}: ${fault}` })))
  .filter(({ arrow, fault }) => long || everyFault.includes(arrow) || fault === 'stall' || fault === 'lose answers')
  .filter(({ name }) => name.includes(process.env.VORA_NETWORK_CELLS ?? ''));

const stack = new Stack('network', base);
const media = path.join(stack.home, 'media');
const gates = {};
const uploads = [];   // { id (of the upload), file, frames }
let s3, played, unplayed;

async function database(at, name) {
  const { stdout } = await stack.shell('make_secret postgres; cat "$VORA_HOME/secrets/postgres"');
  return { VORA_DATABASE_URL: `postgresql://vora:${stdout.trim()}@${at}/${name}` };
}
function store(at) {
  return { VORA_STORAGE: s3.through(at.split(':')[1]) };
}

before(async () => {
  s3 = await S3Server.start('network-rgw', s3Port);
  Object.assign(stack.env, s3.env, { VORA_LADDER: path.join(media, 'ladder.json'), VORA_UPLOAD_EXPIRY: '30s', VORA_UPLOAD_SWEEP_INTERVAL: '1s' });
  await stack.reset(async () => {
    await shortLadder(media);
    const settings = {};
    for (const [i, [name, { part, to, settings: led }]] of Object.entries(arrows).entries()) {
      gates[name] = await Gate.open([to], base + 1300 + i);
      settings[part] = { ...settings[part], ...(await led(`127.0.0.1:${gates[name].port}`)) };
    }
    return settings;
  });
  played = await ready(await begin());
  unplayed = await ready(await begin());
  await plays(stack.edge);
});
after(async () => {
  await stack.down();
  for (const gate of Object.values(gates)) await gate.close();
  await s3?.stop();
});

// Uploads the next video as any tus client does, in two requests.
async function begin() {
  const next = await short(media, uploads.length);
  const headers = { 'tus-resumable': '1.0.0' };
  const { size } = await stat(next.file);
  const created = await stack.fetch(stack.uploads, {
    method: 'POST', headers: { ...headers, 'upload-length': String(size), 'upload-metadata': `filename ${btoa(path.basename(next.file))}` },
  });
  assert.equal(created.status, 201, await created.text());
  const sent = await stack.fetch(created.headers.get('location'), {
    method: 'PATCH', headers: { ...headers, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }, body: await readFile(next.file),
  });
  assert.equal(sent.status, 204, await sent.text());
  uploads.push({ ...next, id: created.headers.get('location').split('/').at(-1) });
  return uploads.at(-1);
}
// The same by the command line client, which tries again for as long as the store is away.
async function beginPatiently() {
  const next = await short(media, uploads.length);
  const { upload_id: id } = await stack.upload(next.file);
  uploads.push({ ...next, id });
  return uploads.at(-1);
}
async function ready({ id }) {
  const video = await until('metadata to know the upload', async () => {
    const { status, json } = await stack.api('POST', '/v1/videos', { upload_id: id });
    return status < 300 && json;
  });
  return stack.reach(video.video_id);
}

// Playlists and a segment of a video that is READY.
async function plays(edge) {
  const url = `${edge}/v/${played.video_id}`;
  const get = async (name) => {
    const response = await stack.fetch(`${url}/${name}`);
    assert.equal(response.status, 200, `${url}/${name}: ${await response.clone().text()}`);
    return response.text();
  };
  await get('master.m3u8');
  const { map, segments } = parsePlaylist(await get('90p/playlist.m3u8'));
  await get(`90p/${map}`);
  await get(`90p/${segments[0].uri}`);
}

const readiness = (part) => stack.probe(part, '/readyz');
const alive = async (part) => assert.ok((await stack.probe(part, '/livez')).ok, `${part} is alive`);

// What whoever does not need the arrow sees while it is broken.
async function assertNobodyElseSuffers({ part: asker, noOrigin, noRest, says }) {
  await plays(stack.edge);
  const gateway = `http://127.0.0.1:${base + 3}`;
  if (!noOrigin) {
    await plays(gateway);
  } else {
    // What is in its playlists, metadata knows too.
    for (const name of ['master.m3u8', '90p/playlist.m3u8']) assert.equal((await stack.fetch(`${gateway}/v/${unplayed.video_id}/${name}`)).status, 200, name);
  }
  if (!noRest) await stack.video(played.video_id);
  // Several at once, as orchestrators of containers and load balancers ask. Each gets an answer, whichever it is, and soon.
  const probes = await Promise.all(daemons.flatMap((part) => [1, 2, 3].map(async () => ({ part, ...(await readiness(part)) }))));
  for (const { part, ok, text } of probes) assert.ok(ok || (part === asker && says), `${part}: ${text}`);
  await Promise.all(daemons.map(alive));
}

async function assertItIsSaid({ part, says }) {
  await until(`${part} to say what is wrong`, async () => {
    const { ok, text } = await readiness(part);
    return !ok && says.test(text);
  }, { timeout: 60_000 });
  await alive(part);
}

// What `meanwhile` gives, carried out while the gate is broken.
async function broken(gate, fault, meanwhile) {
  const atLeast = pause(held);   // the length of the fault
  await gate.break(fault);
  try {
    const result = await meanwhile();
    await atLeast;
    return result;
  } finally {
    await gate.heal();
  }
}

for (const { arrow, fault, name } of cells) {
  test(`${name} (${faults[fault]})`, async () => {
    const it = arrows[arrow];
    // One is under way when the arrow breaks, or begins afterwards.
    const early = it.part !== 'upload' ? await begin() : null;
    const late = await broken(gates[arrow], fault, async () => {
      const begun = it.noUpload ? beginPatiently() : begin();
      begun.catch(() => {});   // awaited below
      await assertNobodyElseSuffers(it);
      if (it.says && total.includes(fault) && (!it.slow || fault === 'stall')) await assertItIsSaid(it);
      if (!it.noUpload) await begun;
      return { whole: begun };
    });
    for (const part of daemons) await until(`${part} to be ready again`, async () => (await readiness(part)).ok, { timeout: 60_000 });
    if (early) await ready(early);
    await ready(await late.whole);
  });
}

test('afterwards every video is whole, and nothing was done twice or is left over', async () => {
  const videos = [];
  const next = uploads.values();
  const prove = async () => {
    for (const upload of next) {
      const { video_id: id } = await ready(upload);
      const storedSha256 = await s3.sha256(`raw/${upload.id}/original`);
      videos.push((await assertNothingLostOrDoneTwice(stack, id, upload.file, { frames: upload.frames, storedSha256 })).video);
    }
  };
  await Promise.all([prove(), prove()]);
  await assertNothingIsLeftOver(stack, videos, { s3, workers: await Promise.all(['transcode-worker', 'metadata'].map((part) => stack.pid(part))) });
});
