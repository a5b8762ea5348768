// What deploy/docker promises of the image, looked up in the image itself.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { mkdtemp, readFile, readdir, lstat, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { root, run, until } from '../env/stack.mjs';
import { inspect, must, podman, unusable } from './engine.mjs';
import { sources, stamp, vora } from './images.mjs';

const reason = await unusable();
const daemons = ['upload', 'metadata', 'orchestrator', 'transcode-worker', 'streaming-gateway', 'analytics-ingest', 'amqp'];
const confined = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

if (reason) test('the image', { skip: reason }, () => {});
else describe('the image', () => {
  let image, folder;
  const files = new Map(); // from the path in the image to its lstat

  before(async () => {
    image = await vora();
    folder = await mkdtemp(path.join(os.tmpdir(), 'vora-image-'));
    const name = await must(['create', 'localhost/vora:latest']);
    try {
      const unpacked = await run('bash', ['-c', 'set -o pipefail; podman export "$1" | tar -C "$2" -x', '_', name, folder]);
      assert.equal(unpacked.code, 0, unpacked.stderr);
    } finally {
      await must(['rm', name]);
    }
    const walk = async (below) => {
      for (const entry of await readdir(path.join(folder, below))) {
        const name = path.join(below, entry);
        const stat = await lstat(path.join(folder, name));
        files.set(name, stat);
        if (stat.isDirectory()) await walk(name);
      }
    };
    await walk('/');
  }, { timeout: 1_800_000 });
  after(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test('is smaller than 150 MiB with every program in it', () => {
    assert.ok(image.Size < 150 * 2 ** 20, `${(image.Size / 2 ** 20).toFixed(1)} MiB`);
    for (const name of ['vora', ...daemons.map((daemon) => `vora-${daemon}`)]) assert.ok(files.get(`/usr/bin/${name}`), name);
  });

  test('runs as 65532, says what it is, and asks the daemon itself for its health', () => {
    assert.equal(image.Config.User, '65532:65532');
    assert.deepEqual(image.Healthcheck.Test, ['CMD', '/proc/1/exe', '--healthcheck']);
    assert.equal(image.Config.StopSignal, 'SIGTERM');
    for (const label of ['title', 'description', 'version', 'revision', 'created', 'base.name']) {
      assert.ok(image.Labels[`org.opencontainers.image.${label}`], label);
    }
  });

  test('holds no shell, no package manager, no compiler, no interpreter, and nothing that raises privileges', () => {
    const programs = [...files].filter(([, stat]) => stat.isFile() && stat.mode & 0o111).map(([name]) => name);
    const loader = programs.filter((name) => /\/ld-linux[^/]*$/.test(name));
    assert.equal(loader.length, 1);
    const own = programs.filter((name) => !/\.so(\.|$)/.test(name));
    assert.deepEqual(own.sort(), ['/usr/bin/vora', ...daemons.map((daemon) => `/usr/bin/vora-${daemon}`)].sort());
    for (const [name, stat] of files) {
      assert.equal(stat.mode & 0o6000, 0, `${name} is set-user-id or set-group-id`);
      const writable = stat.mode & 0o002 && !stat.isSymbolicLink();
      assert.ok(!writable || name === '/tmp', `${name} can be written by everybody`);
      if (!name.startsWith('/var/lib/vora')) assert.equal(stat.uid, 0, name);
    }
  });

  test('every program starts on a read-only root without capabilities and without a network, in the version of the label', async () => {
    const version = image.Labels['org.opencontainers.image.version'];
    for (const program of ['vora', ...daemons.map((daemon) => `vora-${daemon}`)]) {
      const said = await must(['run', '--rm', '--network', 'none', ...confined, 'localhost/vora:latest', program, '--version']);
      assert.equal(said.trim(), `${program} ${version}`);
    }
  });

  test('the bill of materials is of this image: every file with its digest, every library with its package', async () => {
    const bill = JSON.parse(await readFile(path.join(folder, 'usr/share/doc/vora/sbom.json'), 'utf8'));
    assert.equal(bill.spdxVersion, 'SPDX-2.3');
    const listed = new Map(bill.files.map((file) => [file.fileName.slice(1), file]));
    // The engine makes these for a container.
    const engine = /^\/(etc\/(hosts|hostname|resolv\.conf|mtab)|run\/\.containerenv|\.dockerenv|dev\/|proc\/|sys\/)/;
    const present = [...files].filter(([name, stat]) => stat.isFile() && name !== '/usr/share/doc/vora/sbom.json' && !engine.test(name)).map(([name]) => name);
    assert.deepEqual(present.filter((name) => !listed.has(name)), [], 'files that the bill does not name');
    assert.deepEqual([...listed.keys()].filter((name) => !files.has(name)), [], 'files that are not there');
    for (const name of present) {
      const digest = createHash('sha256').update(await readFile(path.join(folder, name))).digest('hex');
      assert.equal(listed.get(name).checksums.find(({ algorithm }) => algorithm === 'SHA256').checksumValue, digest, name);
    }

    const packages = new Map(bill.packages.map((entry) => [entry.SPDXID, entry]));
    const holder = new Map(bill.relationships.filter((r) => r.relationshipType === 'CONTAINS').map((r) => [r.relatedSpdxElement, packages.get(r.spdxElementId)]));
    for (const [name, file] of listed) {
      assert.ok(holder.get(file.SPDXID), `${name} belongs to no package`);
      if (!/\/usr\/lib.*\.so/.test(name)) continue;
      const purl = holder.get(file.SPDXID).externalRefs[0].referenceLocator;
      if (file.comment) assert.match(purl, /^pkg:generic\/vora@/, name);
      else assert.match(purl, /^pkg:deb\/debian\/[^@]+@[^?]+\?arch=/, name);
    }
    assert.match(holder.get(listed.get([...listed.keys()].find((name) => name.endsWith('/libssl.so.3'))).SPDXID).name, /^libssl3$/);

    const lock = JSON.parse(await readFile(path.join(root, 'services/console/package-lock.json'), 'utf8')).packages;
    const wanted = Object.entries(lock).filter(([name, entry]) => name && !entry.dev).map(([name, entry]) => `${name.split('node_modules/').at(-1)} ${entry.version}`);
    const named = bill.packages.filter((entry) => entry.SPDXID.startsWith('SPDXRef-npm-')).map((entry) => `${entry.name} ${entry.versionInfo}`);
    assert.deepEqual(named.sort(), wanted.sort());
  });

  test('packing again gives the same image', async () => {
    // A value that no run before this one has left in the cache: the same packages would be known by it, and not packed.
    const again = await vora({ tag: 'localhost/vora:again', args: { PACK_AGAIN: String(Date.now()) } });
    try {
      assert.match(again.log, /\d+ programs, \d+ libraries/, 'it was packed, not taken from the cache');
      assert.equal(image.RootFS.Layers.length, again.RootFS.Layers.length);
      assert.deepEqual(again.RootFS.Layers, image.RootFS.Layers);
      assert.equal(again.Digest, image.Digest);
      for (const [name, stat] of files) {
        if (name.startsWith('/usr/bin/')) assert.equal(stat.mtimeMs / 1000, stamp, name);
      }
    } finally {
      await podman(['rmi', 'localhost/vora:again']);
    }
  });

  test('what the image compiles, where it is not made of packages, is all there', { timeout: 1_800_000 }, async () => {
    await sources();
    await podman(['rmi', 'localhost/vora-sources:latest']);
  });

  test('a daemon in it becomes healthy by its own word, and drains within its time', async () => {
    const args = ['-e', 'VORA_AUTH=none', '-e', 'VORA_STORAGE=file:///var/lib/vora/objects', '-v', '/var/lib/vora', '--tmpfs', '/tmp:size=16m,mode=1777'];
    const name = await must(['run', '--detach', '--network', 'none', ...confined, ...args, 'localhost/vora:latest', 'vora-upload']);
    try {
      await until('the daemon to call itself healthy', async () => (await podman(['healthcheck', 'run', name])).code === 0, { timeout: 30_000 });
      await must(['stop', '--time', '30', name]);
      assert.equal((await inspect(name)).State.ExitCode, 0);
    } finally {
      await podman(['rm', '--force', '--time', '0', '--volumes', name]);
    }
  });
});
