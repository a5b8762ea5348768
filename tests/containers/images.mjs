// The images of this checkout, built when something in them has changed.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { root, run } from '../env/stack.mjs';
import { build } from './engine.mjs';

const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();

// The time of every file in the image and in the packages; that of the last release, so that a second build of the same sources is the same image.
export const stamp = 1767225600;

// Debian packages of what is built, which the image is made from: nothing is compiled twice. Returns their folder.
export async function packages() {
  const made = await run('bash', ['-c', 'set -uo pipefail; . deploy/local/stack.sh; . deploy/local/build.sh; build_packages'], { env: { SOURCE_DATE_EPOCH: String(stamp) }, timeout: 600_000 });
  if (made.code !== 0) throw new Error(`no packages could be made:\n${made.stdout}\n${made.stderr}`);
  return path.join(root, 'build/packages');
}

// What the compiler of this machine is, so that what it has compiled is known inside, where VORA_IMAGE_PACKAGES=build compiles there.
const compiler = spawnSync('bash', ['-c', `echo "$(dpkg-query -W -f '\${Version}' g++-12) $(stat -L -c %Y /usr/bin/c++)"`], { encoding: 'utf8' }).stdout.trim();

const dockerfile = 'deploy/docker/Dockerfile';

export async function vora({ tag = 'localhost/vora:latest', args = {} } = {}) {
  const from = process.env.VORA_IMAGE_PACKAGES ?? 'prebuilt';
  const compiling = from === 'prebuilt' ? {} : { CCACHE_DIR: '/host-ccache', COMPILER: compiler, ...(process.env.LANG ? { LANG: process.env.LANG } : {}) };
  if (from === 'prebuilt') await packages();
  return build({ file: dockerfile, tag, stamp, args: { PACKAGES: from, SOURCE_DATE_EPOCH: stamp, REVISION: git('rev-parse', 'HEAD') || 'unknown', ...compiling, ...args } });
}

// The stage whose sources the image compiles where it is not made of packages: configured, and every input found.
export const sources = () => build({ file: dockerfile, target: 'sources', tag: 'localhost/vora-sources:latest', stamp });

export const thirdParty = ['postgres', 'clickhouse', 'varnish', 'prometheus', 'ceph'];

export async function debian(name) {
  return build({ file: 'deploy/docker/debian/Dockerfile', context: `${root}/deploy/docker/debian`, target: name, tag: `localhost/vora-${name}:latest`, stamp });
}
