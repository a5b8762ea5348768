// Reads text/event-stream (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).

export interface StreamMessage {
  event: string; // `message` unless the server named another
  data: string;
}

export class EventStreamParser {
  lastId = '';
  retryMs: number | null = null; // as the server advised
  private rest = '';
  private begun = false;
  private afterReturn = false; // a line feed that comes next belongs to the line end before it
  private event = '';
  private data: string[] = [];
  private id: string;

  // `lastId`: of the stream before, to which this one is the sequel.
  constructor(lastId = '') {
    this.lastId = this.id = lastId;
  }

  // The messages that `chunk`, the next piece of text, completes.
  push(chunk: string): StreamMessage[] {
    const messages: StreamMessage[] = [];
    let text = chunk;
    if (!this.begun && text) {
      this.begun = true;
      text = text.replace(/^\uFEFF/, '');
    }
    if (this.afterReturn && text) {
      this.afterReturn = false;
      text = text.replace(/^\n/, '');
    }
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop()!;
    this.afterReturn ||= text.endsWith('\r');
    for (const line of lines) {
      const message = this.line(line);
      if (message) messages.push(message);
    }
    return messages;
  }

  private line(line: string): StreamMessage | null {
    if (line === '') return this.dispatch();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  private dispatch(): StreamMessage | null {
    const message = this.data.length > 0 ? { event: this.event || 'message', data: this.data.join('\n') } : null;
    this.lastId = this.id;
    this.event = '';
    this.data = [];
    return message;
  }
}
