// Serves one file by HTTP as servers of others do, well or badly.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

export class FileServer {
  requests = [];        // the first byte that each asked for
  sent = 0;             // bytes, over all requests
  cutAfter = Infinity;  // each answer ends after so many bytes, its connection broken
  perSecond = Infinity; // bytes
  status = 0;           // answered in place of the file
  etag = '"v1"';

  async start(file, port = 0) {
    this.file = file;
    this.size = (await stat(file)).size;
    this.server = http.createServer((request, response) => void this.#answer(request, response).catch(() => response.destroy()));
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/films/film.mp4?signature=geheim`;
    return this;
  }
  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
  async #answer(request, response) {
    if (this.status) return response.writeHead(this.status).end();
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const begin = Number(first ?? 0);
    const end = Math.min(last ? Number(last) : Infinity, this.size - 1);
    this.requests.push(begin);
    const headers = { 'content-type': 'video/mp4', 'content-length': end - begin + 1, etag: this.etag, 'accept-ranges': 'bytes' };
    response.writeHead(first ? 206 : 200, first ? { ...headers, 'content-range': `bytes ${begin}-${end}/${this.size}` } : headers);
    let sent = 0;
    for await (const block of createReadStream(this.file, { start: begin, end, highWaterMark: 64 << 10 })) {
      if (response.destroyed) return undefined;
      if (sent + block.length > this.cutAfter) return response.destroy();
      if (!response.write(block)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      sent += block.length;
      this.sent += block.length;
      if (this.perSecond < Infinity) await pause((block.length / this.perSecond) * 1000);
    }
    return response.end();
  }
}
