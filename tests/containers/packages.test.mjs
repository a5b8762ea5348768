// The Debian packages: what is in them, and in a clean Debian 12 without a network their installation, the stack that they start, and their removal.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { root, run } from '../env/stack.mjs';
import { build, must, podman, unusable } from './engine.mjs';
import { packages } from './images.mjs';

const daemons = ['upload', 'metadata', 'orchestrator', 'transcode-worker', 'streaming-gateway', 'analytics-ingest', 'amqp'].map((name) => `vora-${name}`);
const programs = new Map([...daemons.map((name) => [name, name]), ['vora-cli', 'vora']]);   // from the package to the program in it
const names = [...programs.keys(), 'vora-console', 'vora-local'].sort();
const commands = ['vora-up', 'vora-down', 'vora-backup', 'vora-restore'];

async function output(program, args) {
  const { code, stdout, stderr } = await run(program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

let folder, version;
const files = new Map();    // from the package to its file
const control = new Map();  // from the package to its fields
const contents = new Map(); // from the package to { mode, owner, name, link } of each entry that is no folder

before(async () => {
  folder = await packages();
  for (const file of (await readdir(folder)).filter((name) => name.endsWith('.deb'))) {
    const deb = path.join(folder, file);
    const fields = Object.fromEntries((await output('dpkg-deb', ['--field', deb])).split(/\n(?! )/).filter(Boolean).map((line) => /^([\w-]+): ([^]*)/.exec(line).slice(1)));
    files.set(fields.Package, file);
    control.set(fields.Package, fields);
    const listing = (await output('dpkg-deb', ['--contents', deb])).split('\n').filter(Boolean).map((line) => {
      const [, mode, owner, name, link] = /^(\S{10}) (\S+) +\d+ \S+ \S+ \.(\S*?)(?: -> (\S+))?$/.exec(line);
      return { mode, owner, name, link };
    });
    contents.set(fields.Package, listing);
  }
  version = (await output(path.join(process.env.VORA_BUILD ?? path.join(root, 'build/release'), 'bin/vora'), ['--version'])).split(' ')[1].trim();
}, { timeout: 600_000 });

describe('the packages', () => {
  test('are one for each program, one for the pages and one for the stack, all of one version', async () => {
    const here = (await output('dpkg', ['--print-architecture'])).trim();
    assert.deepEqual([...control.keys()].sort(), names);
    for (const [name, fields] of control) {
      assert.equal(fields.Version, version, name);
      assert.equal(fields.Architecture, programs.has(name) ? here : 'all', name);
      assert.equal(files.get(name), `${name}_${version}_${fields.Architecture}.deb`);
      assert.match(fields.Description, /^video platform Vora: .{5,60}\n .{20,}/, name);
      for (const field of ['Maintainer', 'Section', 'Priority', 'Installed-Size']) assert.ok(fields[field], `${name}: ${field}`);
    }
  });

  test('depend on the libraries of their program, and vora-local on all of them and on what a stack runs', async () => {
    const depends = (name) => (control.get(name).Depends ?? '').split(', ');
    for (const name of programs.keys()) assert.ok(depends(name).some((entry) => /^libc6 \(>= /.test(entry)), name);
    for (const [name, library] of [['vora-transcode-worker', 'libavcodec59'], ['vora-metadata', 'libpqxx-6.4'], ['vora-upload', 'libssl3'], ['vora-amqp', 'librabbitmq4']]) {
      assert.ok(depends(name).some((entry) => entry.split(' ')[0] === library), `${name}: ${library}`);
    }
    const running = (await output('bash', ['-c', '. deploy/local/packages.sh; echo "${RUN_PACKAGES[@]}"'])).trim().split(' ');
    assert.deepEqual(depends('vora-local').sort(), [...running, ...names.filter((name) => name !== 'vora-local').map((name) => `${name} (= ${version})`)].sort());
  });

  test('share no file, and hold what they should with its rights', async () => {
    const holder = new Map();
    for (const [name, entries] of contents) {
      for (const { mode, owner, name: file } of entries) {
        assert.equal(owner, 'root/root', `${name}: ${file}`);
        if (mode.startsWith('d')) assert.equal(mode, 'drwxr-xr-x', `${name}: ${file}`);
        if (mode.startsWith('d')) continue;
        assert.equal(holder.get(file), undefined, `${file} is in ${name} too`);
        holder.set(file, name);
        const program = /^\/usr\/bin\/|\/(up|down|backup|restore)\.sh$/.test(file);
        if (!mode.startsWith('l')) assert.equal(mode, program ? '-rwxr-xr-x' : '-rw-r--r--', file);
        assert.match(file, new RegExp(`^/usr/(bin/vora|share/vora/(console|local)/|share/doc/${name}/)`), name);
      }
      assert.equal(holder.get(`/usr/share/doc/${name}/copyright`), name);
    }
    const within = [...holder].filter(([file]) => file.startsWith('/usr/bin/')).map(([file, name]) => [name, path.basename(file)]);
    assert.deepEqual(within.sort(), [...programs, ...commands.map((command) => ['vora-local', command])].sort());
    assert.equal(holder.get('/usr/share/vora/console/index.html'), 'vora-console');
    for (const { link, name } of contents.get('vora-local').filter((entry) => entry.link)) {
      assert.equal(holder.get(path.join(path.dirname(name), link)), 'vora-local', `${name} leads nowhere`);
    }
  });

  test('run nothing when they are installed, and their programs are stripped', async () => {
    const unpacked = await mkdtemp(path.join(os.tmpdir(), 'vora-packages-'));
    try {
      for (const [name, file] of files) {
        const members = await output('bash', ['-c', 'set -o pipefail; dpkg-deb --ctrl-tarfile "$1" | tar -t', '_', path.join(folder, file)]);
        assert.deepEqual(members.split('\n').filter((member) => !['', './'].includes(member)).map((member) => path.basename(member)).sort(), ['control', 'md5sums'], name);
        await output('dpkg-deb', ['--extract', path.join(folder, file), unpacked]);
      }
      for (const program of programs.values()) assert.doesNotMatch(await output('readelf', ['--wide', '--sections', path.join(unpacked, 'usr/bin', program)]), /\.(symtab|debug_)/, program);
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  });
});

const reason = await unusable();
if (reason) test('installed packages', { skip: reason }, () => {});
else describe('installed packages', () => {
  const container = 'vora-test-packages';
  const exec = (...args) => must(['exec', container, ...args], { timeout: 600_000 });
  const somebody = (command) => must(['exec', '--user', 'somebody', '--env', 'HOME=/home/somebody', '--workdir', '/home/somebody', container, 'bash', '-c', command], { timeout: 300_000 });
  // Everything but what the package manager remembers.
  const everything = () => exec('sh', '-c', 'find / -xdev \\( -path /proc -o -path /sys -o -path /tmp -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \\) -prune -o -print | sort');
  let untouched;

  before(async () => {
    const wanted = [...control.values()].flatMap(({ Depends = '' }) => Depends.split(', ')).map((entry) => entry.split(' ')[0]).filter((name) => name && !names.includes(name));
    await build({ file: 'tests/containers/packages.Dockerfile', context: folder, tag: 'localhost/vora-packages:latest', args: { DEPENDS: [...new Set(wanted)].sort().join(' ') } });
    await podman(['rm', '--force', '--time', '0', container]);
    const mounts = [`${folder}:/packages`, `${root}/deploy:/checkout/deploy`, `${root}/CMakeLists.txt:/checkout/CMakeLists.txt`].flatMap((mount) => ['--volume', `${mount}:ro`]);
    await must(['run', '--detach', '--init', '--name', container, '--network', 'none', ...mounts, 'localhost/vora-packages:latest', 'sleep', 'infinity']);
    untouched = await everything();
    await exec('sh', '-c', 'DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends /packages/*.deb');
  }, { timeout: 1_800_000 });
  after(() => podman(['rm', '--force', '--time', '0', container]));

  test('are whole, and every program runs', async () => {
    assert.equal(await exec('dpkg', '--verify', ...names), '');
    for (const program of programs.values()) {
      assert.equal(await exec(program, '--version'), `${program} ${version}`);
      assert.match(await exec(program, '--help'), /VORA_|Usage/, program);
    }
    for (const command of commands) assert.match(await exec(command, '--help'), new RegExp(`^Usage: ${command} `));
  });

  test('start the stack without compiling, for an ordinary user; a video becomes playable', { timeout: 600_000 }, async (t) => {
    const started = Date.now();
    const said = await somebody('vora-up');
    t.diagnostic(`vora-up took ${((Date.now() - started) / 1000).toFixed(1)} s`);
    assert.match(said, /Vora is running/);
    assert.doesNotMatch(said, /compiling|installing/);
    assert.match(said, /logs +\/home\/somebody\/\.local\/state\/vora\/logs/);
    assert.match(await somebody('curl -fsS http://127.0.0.1:8080/'), /<!doctype html>/);
    await somebody('ffmpeg -v error -f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -c:v libx264 -pix_fmt yuv420p clip.mp4');
    const demo = await somebody('vora-up --demo clip.mp4 2>&1');
    assert.doesNotMatch(demo, /starting (postgres|upload)/, 'a second vora-up starts nothing again');
    const { videos } = JSON.parse(await somebody('curl -fsS http://127.0.0.1:8080/v1/videos'));
    assert.deepEqual(videos.map(({ state }) => state), ['READY']);
    assert.match(await somebody(`curl -fsS http://127.0.0.1:8080/v/${videos[0].video_id}/master.m3u8`), /^#EXTM3U/);
  });

  test('serve a checkout of their version that was never built', async () => {
    const said = await somebody('VORA_HOME=~/.local/state/vora /checkout/deploy/local/up.sh');
    assert.match(said, /starting the installed packages, which are of this version/);
    assert.match(said, /Vora is running/);
    assert.doesNotMatch(said, /compiling|restarting/);
  });

  test('a daemon of a package that was installed anew is restarted, and no other', async () => {
    const pid = (part) => somebody(`cut -d' ' -f1 .local/state/vora/run/${part}.pid`);
    const [upload, metadata] = [await pid('upload'), await pid('metadata')];
    await exec('sh', '-c', 'dpkg --install /packages/vora-upload_*.deb');
    assert.match(await somebody('vora-up'), /upload runs an old program: restarting it/);
    assert.notEqual(await pid('upload'), upload);
    assert.equal(await pid('metadata'), metadata);
  });

  test('back the stack up and restore it', { timeout: 300_000 }, async () => {
    const listed = () => somebody('curl -fsS http://127.0.0.1:8080/v1/videos');
    const before = await listed();
    await somebody('vora-backup backup && vora-down --wipe && vora-restore backup && vora-up && rm -rf backup');
    assert.equal(await listed(), before);
  });

  test('leave nothing behind when the stack is wiped and they are removed', async () => {
    await somebody('vora-down --wipe && rm -rf clip.mp4 .local .cache');
    assert.equal((await podman(['exec', container, 'pgrep', '-u', 'somebody'])).stdout, '', 'processes');
    await exec('apt-get', 'remove', '-q', '-y', ...names);
    assert.equal(await everything(), untouched);
    const known = await podman(['exec', container, 'dpkg-query', '-W', '-f', '${Package}\n', ...names]);
    assert.equal(known.stdout, '', 'none is left as removed but configured');
  });
});
