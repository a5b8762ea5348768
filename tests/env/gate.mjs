// A door between two parts in which faults are made: it forwards TCP connections of one port to the first of its servers that lives, as a load
// balancer does, and can refuse, stall, cut or delay them, or lose what goes one way. What is held up or lost goes on when the gate is healed,
// as TCP sends again what the network has lost.
import { once } from 'node:events';
import net from 'node:net';

const roomy = 1 << 20;   // bytes that wait in a lane before its sender is held up

export const faults = {
  refuse: 'nobody listens, and open connections are reset',
  stall: 'bytes stay where they are, also those of new connections',
  'stall open': 'the same of the connections that were open; new ones get through',
  cut: 'every connection is reset in the middle of an answer',
  delay: 'every byte takes 300 ms longer, each way',
  'lose requests': 'nothing gets to the server; what it sends gets through',
  'lose answers': 'requests get through; nothing comes back',
};
const delayed = 300;
const end = Symbol('end'), close = Symbol('close'), reset = Symbol('reset');

// One direction of a connection: what came in, and the end of it, in order.
class Lane {
  #waiting = [];
  #bytes = 0;
  #timer = null;

  constructor(from, { held, delay, pass }) {
    Object.assign(this, { from, held, delay, pass, to: null });
    let ended = false;
    from.on('data', (chunk) => this.#put(chunk));
    from.on('end', () => {
      ended = true;
      this.#put(end);
    });
    from.on('error', () => {});   // followed by `close`
    from.on('close', (failed) => {
      this.#put(failed || !ended ? reset : close);
    });
  }
  lead(to) {
    this.to = to;
    to.on('drain', () => this.pump());
    this.pump();
  }
  #put(what) {
    this.#waiting.push({ at: Date.now() + this.delay(), what });
    this.#bytes += what.length ?? 0;
    if (this.#bytes > roomy) this.from.pause();
    this.pump();
  }
  pump() {
    while (this.to && this.#waiting.length > 0 && !this.held() && !this.to.writableNeedDrain) {
      const { at, what } = this.#waiting[0];
      if (at > Date.now()) {
        this.#timer ??= setTimeout(() => {
          this.#timer = null;
          this.pump();
        }, at - Date.now());
        return;
      }
      this.#waiting.shift();
      this.#bytes -= what.length ?? 0;
      if (this.to.destroyed) continue;
      if (what === end) this.to.end();
      else if (what === close) this.to.destroySoon();
      else if (what === reset) this.to.resetAndDestroy();
      else this.pass(what, this.to);
    }
    if (this.#bytes <= roomy && this.from.isPaused()) this.from.resume();
  }
}

export class Gate {
  #open = new Set();
  #sockets = new Set();
  #fault = null;
  #server = null;
  #turn = 0;

  // `servers`: ports of this machine. `port`: 0 takes any free one, which may be taken by another program while the gate refuses.
  constructor(servers, port = 0) {
    Object.assign(this, { servers, port });
  }
  static async open(servers, port) {
    const gate = new Gate(servers, port);
    await gate.#listen();
    return gate;
  }
  async #listen() {
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = this.#server.address().port;
  }

  // Makes one of `faults`, in place of another.
  async break(fault) {
    if (!(fault in faults)) throw new Error(`no such fault: ${fault}`);
    await this.heal();
    this.#fault = fault;
    if (fault === 'stall open') for (const connection of this.#open) connection.stalled = true;
    if (fault === 'refuse') await this.#leave();
  }
  async heal() {
    if (!this.#server) await this.#listen();
    this.#fault = null;
    for (const connection of this.#open) {
      connection.stalled = false;
      connection.passed = 0;
      if (!connection.server) this.#connect(connection);
      for (const lane of connection.lanes) lane.pump();
    }
  }
  // For good. Nothing of it keeps the process from ending, not even a socket whose end was never told.
  async close() {
    this.#fault = 'refuse';
    this.#server?.close();
    this.#server?.unref();
    this.#server = null;
    for (const socket of this.#sockets) {
      socket.unref();
      socket.destroy();
    }
  }
  async #leave() {
    const server = this.#server;
    this.#server = null;
    server.close();
    for (const connection of this.#open) this.#reset(connection);
    await once(server, 'close');
  }
  #track(socket) {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
  // A server that has not heard of its client's end (the lane is held up) is told when the gate is healed.
  #forget(connection) {
    if (connection.client.destroyed && (connection.server?.destroyed ?? true)) this.#open.delete(connection);
  }
  #reset({ client, server }) {
    client.resetAndDestroy();
    server?.resetAndDestroy();
  }

  #accept(client) {
    const delay = () => (this.#fault === 'delay' ? delayed : 0);
    const connection = { client, server: null, stalled: false, passed: 0, lanes: [], answers: null };
    const stands = () => this.#fault === 'stall' || connection.stalled;
    connection.lanes.push(new Lane(client, { delay, held: () => stands() || this.#fault === 'lose requests', pass: (chunk, to) => to.write(chunk) }));
    connection.serve = (server) => {
      const answers = new Lane(server, {
        delay,
        held: () => stands() || this.#fault === 'lose answers',
        pass: (chunk, to) => {
          const whole = this.#fault === 'cut' ? this.#budget(connection) : Infinity;
          to.write(chunk.subarray(0, Math.min(chunk.length, whole)));
          connection.passed += chunk.length;
          if (chunk.length >= whole) this.#reset(connection);
        },
      });
      connection.server = server;
      connection.lanes.push(answers);
      answers.lead(client);
      connection.lanes[0].lead(server);
    };
    this.#open.add(connection);
    this.#track(client);
    client.on('close', () => this.#forget(connection));
    this.#connect(connection);
  }
  // What is left of the answers that a connection may pass before it is cut: by turns little and much, so that all parts of answers are hit.
  #budget(connection) {
    connection.limit ??= [40, 700, 5000, 200, 60_000][this.#turn++ % 5];
    return Math.max(0, connection.limit - connection.passed);
  }
  // A connection that nobody answers is not made: there is nothing yet that could get through.
  #connect(connection, tries = this.servers.length) {
    if (this.#fault === 'stall' || this.#fault === 'lose requests' || connection.connecting || connection.client.destroyed) return;
    connection.connecting = true;
    const server = net.connect({ host: '127.0.0.1', port: this.servers[this.#turn++ % this.servers.length], allowHalfOpen: true, noDelay: true });
    this.#track(server);
    const failed = () => {
      connection.connecting = false;
      if (tries > 1) this.#connect(connection, tries - 1);
      else connection.client.resetAndDestroy();
    };
    server.once('error', failed);
    server.once('connect', () => {
      server.off('error', failed);
      if (connection.client.destroyed) {
        server.resetAndDestroy();
        return;
      }
      server.on('close', () => this.#forget(connection));
      connection.serve(server);
    });
  }
}
