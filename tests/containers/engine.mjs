// A container engine for the tests: podman with runc, as root, on this machine. Images stay in podman's storage, so that a second run is quick;
// containers, networks and volumes do not outlive the test that made them.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { root, run, until } from '../env/stack.mjs';

const home = path.join(process.env.VORA_HOME ?? path.join(root, '.vora/tests'), 'containers');
const config = path.join(home, 'containers.conf');
const socket = path.join(home, 'podman.sock');
export const base = 'localhost/vora-debian:12';

// The engine without systemd, and where a process may not raise its limits: soft and hard are alike, for podman's API mixes them up.
async function writeConfig() {
  const limit = (flag) => execFileSync('bash', ['-c', `ulimit -H${flag}`], { encoding: 'utf8' }).trim().replace('unlimited', '1048576');
  // podman itself has no more processes than there are ids.
  const [files, processes] = [limit('n'), Math.min(Number(limit('u')), Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')))];
  const lines = [
    '[containers]',
    `default_ulimits = ["nofile=${files}:${files}", "nproc=${processes}:${processes}"]`,
    '[network]',
    'network_backend = "netavark"',
    '[engine]',
    'runtime = "runc"',
    ...(existsSync('/run/systemd/system') ? [] : ['cgroup_manager = "cgroupfs"', 'events_logger = "file"']),
  ];
  await mkdir(home, { recursive: true });
  await writeFile(config, lines.join('\n') + '\n');
}

const environment = { CONTAINERS_CONF: config, BUILDAH_FORMAT: 'docker', DOCKER_HOST: `unix://${socket}` };

// The result of podman, whatever it is; podman's complaints that there is no systemd for its timers are left out.
export async function podman(args, options = {}) {
  const result = await run('podman', args, { env: environment, ...options });
  const stderr = result.stderr.split('\n').filter((line) => !/systemd|failed to connect to syslog/.test(line)).join('\n').trim();
  return { ...result, stderr };
}
// The output of podman; throws with what it said when it fails.
export async function must(args, options) {
  const { code, stdout, stderr } = await podman(args, options);
  if (code !== 0) throw new Error(`podman ${args.join(' ')}: exit code ${code}: ${stderr || stdout}`);
  return stdout.trim();
}
export const inspect = async (what) => JSON.parse(await must(['inspect', what]))[0];

// Why containers cannot work here, in a line; null when they do. Makes the base image when there is none.
let reason;
export async function unusable() {
  reason ??= look();
  return reason;
}
async function look() {
  for (const tool of ['podman', 'runc', 'debootstrap', 'docker-compose']) {
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `containers cannot be tested: ${tool} is not installed`;
  }
  if (process.getuid() !== 0) return 'containers cannot be tested: debootstrap and bridges need root';
  await writeConfig();
  if ((await podman(['image', 'exists', base])).code !== 0) {
    const failed = await makeBase();
    if (failed) return `containers cannot be tested: no base image: ${failed}`;
  }
  const tried = await podman(['run', '--rm', '--network', 'bridge', '--read-only', base, 'true'], { timeout: 60_000 });
  return tried.code === 0 ? null : `containers cannot be tested: podman does not run one here: ${tried.stderr.split('\n').at(-1)}`;
}

// Debian 12 by debootstrap, with this machine's sources of Debian packages: half a minute, once.
async function makeBase() {
  const folder = path.join(home, 'base');
  await rm(folder, { recursive: true, force: true });
  const sources = '/etc/apt/sources.list.d/debian.sources';
  const listed = spawnSync('sh', ['-c', 'cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null'], { encoding: 'utf8' }).stdout;
  const mirror = /https?:\/\/\S*\/debian\/?(?=\s)/.exec(`${listed}\n`)?.[0] ?? 'http://deb.debian.org/debian';
  const made = await run('debootstrap', ['--variant=minbase', '--include=ca-certificates', 'bookworm', folder, mirror], { timeout: 600_000 });
  if (made.code !== 0) return `debootstrap: ${made.stdout.trim().split('\n').at(-1)}`;
  if (existsSync(sources)) {
    await copyFile(sources, path.join(folder, sources));
    await writeFile(path.join(folder, 'etc/apt/sources.list'), '');
  }
  const imported = await run('bash', ['-c', `set -o pipefail; rm -f "$1"/var/cache/apt/archives/*.deb; tar -C "$1" -c . | podman import - ${base}`, '_', folder], { env: environment });
  await rm(folder, { recursive: true, force: true });
  return imported.code === 0 ? null : imported.stderr.trim().split('\n').at(-1);
}

// npm inside is set up as npm here is, and trusts the authorities that this machine trusts.
async function npmSettings() {
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  const own = path.join(process.env.HOME ?? '/root', '.npmrc');
  const lines = existsSync(own) ? [readFileSync(own, 'utf8').trim()] : [];
  const mounts = [];
  if (existsSync(bundle)) {
    lines.push('cafile=/host-authorities.crt');
    mounts.push('--volume', `${bundle}:/host-authorities.crt:ro`);
  }
  const file = path.join(home, 'npmrc');
  await writeFile(file, lines.join('\n') + '\n');
  return [...mounts, '--volume', `${file}:/root/.npmrc:ro`];
}

// podman build with what this machine has to offer: its network for packages, its ccache, its npm settings. Returns the image's record, and
// what the build said as `log`.
export async function build({ file, context = root, tag, target, args = {}, stamp = 0, timeout = 1_800_000 }) {
  const settings = spawnSync('ccache', ['--get-config', 'cache_dir'], { encoding: 'utf8' });
  const cache = settings.status === 0 ? settings.stdout.trim() : path.join(home, 'ccache');
  await mkdir(cache, { recursive: true });
  const options = ['build', '--network', 'host', '--timestamp', String(stamp), '--file', path.join(root, file), '--tag', tag, '--volume', `${cache}:/host-ccache`];
  options.push(...(await npmSettings()));
  if (target) options.push('--target', target);
  for (const [name, value] of Object.entries({ BASE: base, ...args })) options.push('--build-arg', `${name}=${value}`);
  const { code, stdout, stderr } = await podman([...options, context], { timeout });
  await writeFile(path.join(home, `build-${tag.replace(/\W+/g, '-')}.log`), `${stdout}\n${stderr}`);
  if (code !== 0) throw new Error(`${tag} could not be built; the end of its log in ${home}:\n${stdout.slice(-1500)}\n${stderr.slice(-3000)}`);
  return { ...(await inspect(tag)), log: stdout };
}

// podman's API for docker-compose, and what asks containers for their health where systemd's timers do not.
export class Service {
  async start() {
    await rm(socket, { force: true });
    this.process = spawn('podman', ['system', 'service', '--time', '0', `unix://${socket}`], { env: { ...process.env, ...environment }, stdio: 'ignore' });
    await until("podman's API to listen", () => existsSync(socket), { timeout: 30_000 });
    this.healthy = new Map();
    this.ticking = this.#tick();
    return this;
  }
  // Asks every running container with a health check, again and again; remembers when each was healthy first.
  async #tick() {
    while (this.process) {
      const listed = await podman(['ps', '--filter', 'label=com.docker.compose.project', '--format', '{{.Names}}']);
      await Promise.all(
        listed.stdout.split('\n').filter(Boolean).map(async (name) => {
          const { code } = await podman(['healthcheck', 'run', name], { timeout: 15_000 });
          if (code === 0 && !this.healthy.has(name)) this.healthy.set(name, Date.now());
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  async stop() {
    const child = this.process;
    this.process = null;
    await this.ticking;
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', resolve)));
    await rm(socket, { force: true });
  }
}

// docker-compose over podman's API.
export async function compose(files, args, env, timeout = 300_000) {
  const names = files.flatMap((file) => ['--file', path.join(root, 'deploy/compose', file)]);
  return run('docker-compose', ['--project-directory', path.join(root, 'deploy/compose'), ...names, ...args], { env: { ...environment, ...env }, timeout });
}
