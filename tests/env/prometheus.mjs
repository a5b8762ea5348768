// A real Prometheus that scrapes a running stack and evaluates the rules of deploy/prometheus.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { openSync } from 'node:fs';
import path from 'node:path';

import { root, until } from './stack.mjs';

// The admin ports of a local stack, by job.
export const adminPorts = {
  'vora-upload': 1101,
  'vora-metadata': 1102,
  'vora-streaming-gateway': 1103,
  'vora-analytics-ingest': 1104,
  'vora-orchestrator': 1105,
  'vora-transcode-worker': 1106,
};

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

export class Prometheus {
  // `rules`: paths of rule files; every group is evaluated at `interval`, whatever its own is.
  static async start(stack, rules, { interval = '2s' } = {}) {
    const home = path.join(stack.home, 'prometheus');
    await rm(home, { recursive: true, force: true });
    await mkdir(home, { recursive: true });
    const jobs = Object.entries(adminPorts).map(([job, offset]) => ({
      job_name: job,
      static_configs: [{ targets: [`127.0.0.1:${stack.portBase + offset}`] }],
    }));
    const copies = [];
    for (const file of rules) {
      copies.push(path.join(home, path.basename(file)));
      await writeFile(copies.at(-1), (await readFile(file, 'utf8')).replaceAll(/^ +interval: \w+\n/gm, ''));
    }
    // JSON is YAML.
    const config = { global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval }, rule_files: copies, scrape_configs: jobs };
    await writeFile(path.join(home, 'prometheus.yml'), JSON.stringify(config));
    const port = await freePort();
    const log = openSync(path.join(home, 'log'), 'a');
    const child = spawn('prometheus', [`--config.file=${home}/prometheus.yml`, `--storage.tsdb.path=${home}/data`, `--web.listen-address=127.0.0.1:${port}`], {
      cwd: root,
      stdio: ['ignore', log, log],
    });
    const prometheus = new Prometheus(child, `http://127.0.0.1:${port}`);
    await until('Prometheus to be ready', async () => {
      assert.equal(child.exitCode, null, `Prometheus ended; see ${home}/log`);
      return (await fetch(`${prometheus.url}/-/ready`)).status === 200;
    }, { timeout: 60_000 });
    return prometheus;
  }
  constructor(child, url) {
    this.child = child;
    this.url = url;
  }
  async api(pathname, parameters = {}) {
    const response = await fetch(`${this.url}/api/v1/${pathname}?${new URLSearchParams(parameters)}`);
    return response.json();
  }
  // The result of an instant query; fails when it is not understood.
  async query(expression) {
    const answer = await this.api('query', { query: expression });
    assert.equal(answer.status, 'success', `${expression}: ${answer.error}`);
    return answer.data.result;
  }
  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }
}
