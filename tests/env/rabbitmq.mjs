// A private RabbitMQ: a broker of its own under a folder, on ports, a cookie and an epmd of its own; no system service is touched. Needs the
// Debian package rabbitmq-server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import amqp from 'amqplib';

import { run, until } from './stack.mjs';

const programs = '/usr/lib/rabbitmq/bin';   // not those in the PATH, which change to a user of the system's

export class RabbitMq {
  // `port` and the three after it must be free.
  constructor(home, port) {
    Object.assign(this, { home: path.resolve(home), port, url: `amqp://guest:guest@127.0.0.1:${port}`, tlsUrl: `amqps://guest:guest@localhost:${port + 3}` });
    const at = (name) => path.join(this.home, name);
    this.env = {
      ...process.env, HOME: this.home, RABBITMQ_NODENAME: `vora${port}@localhost`, RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port), RABBITMQ_DIST_PORT: String(port + 1), ERL_EPMD_PORT: String(port + 2), ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_MNESIA_BASE: at('data'), RABBITMQ_LOG_BASE: at('log'), RABBITMQ_ENABLED_PLUGINS_FILE: at('plugins'),
      RABBITMQ_CONFIG_FILE: at('rabbitmq'), RABBITMQ_ADVANCED_CONFIG_FILE: at('advanced'), RABBITMQ_CONF_ENV_FILE: at('environment'),
    };
  }

  // With nothing in it.
  async begin() {
    await rm(this.home, { recursive: true, force: true });
    await mkdir(this.home, { recursive: true });
    await this.#offerTls();
    this.names = await this.#launch('/usr/bin/epmd', ['-port', String(this.port + 2), '-address', '127.0.0.1'], 'epmd');
    return this.start();
  }
  async start() {
    this.broker = await this.#launch(path.join(programs, 'rabbitmq-server'), [], 'server');
    await until('the broker to answer', async () => {
      assert.equal(this.broker.exitCode, null, `the broker ended; see ${this.home}/server.log`);
      await (await amqp.connect(this.url)).close();
      return true;
    }, { timeout: 120_000, every: 200 });
    return this;
  }
  // SIGKILL for all of it.
  async kill() {
    process.kill(-this.broker.pid, 'SIGKILL');
    await this.broker.ended;
  }
  async stop() {
    for (const child of [this.broker, this.names]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      process.kill(-child.pid, 'SIGKILL');
      await child.ended;
    }
  }
  async ctl(...args) {
    const { code, stdout, stderr } = await run(path.join(programs, 'rabbitmqctl'), ['--quiet', ...args], { env: this.env });
    assert.equal(code, 0, `rabbitmqctl ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  // With a certificate for `localhost`, which is its own authority: `this.authority`.
  async #offerTls() {
    this.authority = path.join(this.home, 'certificate.pem');
    const key = path.join(this.home, 'key.pem');
    const made = await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost',
      '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', this.authority]);
    assert.equal(made.code, 0, made.stderr);
    await writeFile(path.join(this.home, 'rabbitmq.conf'), [`listeners.ssl.default = 127.0.0.1:${this.port + 3}`, `ssl_options.certfile = ${this.authority}`,
      `ssl_options.keyfile = ${key}`, 'ssl_options.verify = verify_none', ''].join('\n'));
  }

  // In a group of its own, so that the processes that it starts go with it.
  async #launch(program, args, name) {
    const log = await open(path.join(this.home, `${name}.log`), 'a');
    const child = spawn(program, args, { env: this.env, detached: true, stdio: ['ignore', log.fd, log.fd] });
    child.ended = once(child, 'exit');
    await log.close();
    return child;
  }
}
