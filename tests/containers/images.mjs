// The images of this checkout, built when something in them has changed.
import { spawnSync } from 'node:child_process';

import { root } from '../env/stack.mjs';
import { build } from './engine.mjs';

const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim();

// What the compiler of this machine is, so that what it has compiled need not be compiled again inside.
const compiler = spawnSync('bash', ['-c', `echo "$(dpkg-query -W -f '\${Version}' g++-12) $(stat -L -c %Y /usr/bin/c++)"`], { encoding: 'utf8' }).stdout.trim();

// The time of every file in the image; that of the last release, so that a second build of the same sources is the same image.
export const stamp = 1767225600;

export async function vora({ tag = 'localhost/vora:latest', args = {} } = {}) {
  return build({
    file: 'deploy/docker/Dockerfile',
    tag,
    stamp,
    args: { PROGRAMS: process.env.VORA_IMAGE_PROGRAMS ?? 'build', CONSOLE: process.env.VORA_IMAGE_CONSOLE ?? 'console', CCACHE_DIR: '/host-ccache', COMPILER: compiler, SOURCE_DATE_EPOCH: stamp, REVISION: git('rev-parse', 'HEAD') || 'unknown', ...args },
  });
}

export const thirdParty = ['postgres', 'clickhouse', 'varnish', 'prometheus', 'ceph'];

export async function debian(name) {
  return build({ file: 'deploy/docker/debian/Dockerfile', context: `${root}/deploy/docker/debian`, target: name, tag: `localhost/vora-${name}:latest`, stamp });
}
