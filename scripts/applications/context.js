// What a scenario works with: packages, a server on a free port, a client that shows each byte, and the record of what
// was seen. Two records of one scenario are equal when both servers behave alike.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';

/** For {@link Context.read}: no text matches it. */
export const UNTIL_CLOSED = /(?!)/;

const MAX_LINE = 2_000;

/** One request; the connection closes after its response unless `more` says otherwise. */
export function request(line, headers = {}, body = '') {
  const fields = { Host: 'a', ...headers };
  if (body !== '' && fields['Content-Length'] === undefined && fields['Transfer-Encoding'] === undefined)
    fields['Content-Length'] = Buffer.byteLength(body);
  const lines = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((each) => `${name}: ${each}\r\n`));
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** The last request of a connection. */
export function lastRequest(line, headers = {}, body = '') {
  return request(line, { ...headers, Connection: 'close' }, body);
}

export function post(path, type, body, headers = {}) {
  return lastRequest(`POST ${path}`, { 'Content-Type': type, ...headers }, body);
}

/** A long line is a body of one letter: its ends and its length say enough. */
function shortened(line) {
  return line.length <= MAX_LINE ? line : `${line.slice(0, 20)}... (${line.length}) ...${line.slice(-20)}`;
}

/** Where the final response that begins at `start` ends; -1: it is not complete. */
function endOfResponse(received, start, sent) {
  const end = received.indexOf('\r\n\r\n', start);
  if (end === -1) return -1;
  const head = received.slice(start, end);
  const body = end + 4;
  const status = head.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length);
  if (status.startsWith('1')) return endOfResponse(received, body, sent);
  if (sent.startsWith('HEAD ') || status === '204' || status === '304') return body;
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) return body + Number(length) <= received.length ? body + Number(length) : -1;
  const last = received.indexOf('0\r\n\r\n', body);
  return last === -1 ? -1 : last + 5;
}

export class Context {
  /** Texts, in the order in which things happened. */
  record = [];
  #require;
  #servers = new Set();
  #cleanups = [];

  constructor(tools) {
    this.#require = createRequire(join(tools, 'package.json'));
  }

  /** A package, as `require` gives it. */
  load(name) {
    return this.#require(name);
  }

  log(...words) {
    const text = words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' ');
    this.record.push(text);
  }

  /** Logs an error as an application sees it. */
  logError(what, error) {
    this.log(what, error?.name, error?.code ?? '', error?.message);
  }

  /** What `work` throws, logged; its result otherwise. */
  attempt(what, work) {
    try {
      this.log(what, work() === undefined ? 'nothing' : 'a result');
    } catch (error) {
      this.logError(what, error);
    }
  }

  /** Logs these events of an emitter as they come. */
  watch(name, emitter, events) {
    for (const event of events) {
      emitter.on(event, (first) =>
        this.log(`${name} '${event}'`, first instanceof Error ? (first.code ?? first.message) : ''),
      );
    }
  }

  /** Starts a server for `listener` or the server given; resolves to its port. */
  async serve(listener, options = {}) {
    const server = typeof listener === 'object' ? listener : createServer(options, listener);
    this.#servers.add(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server.address().port;
  }

  /** Runs when the scenario ends. */
  onEnd(cleanup) {
    this.#cleanups.push(cleanup);
  }

  /** A connection, for clients that do more than to send and read. */
  async open(port) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setEncoding('latin1');
    socket.on('error', () => {});
    this.onEnd(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  }

  /**
   * Sends each text after the response to the one before it, and logs all bytes until the server closes the connection.
   * Each text but the last is one request.
   */
  async send(port, ...texts) {
    const socket = await this.open(port);
    let received = '';
    let at = 0;
    let sent = 0;
    const next = () => socket.write(texts[sent++], 'latin1');
    socket.on('data', (text) => {
      received += text;
      while (sent < texts.length) {
        const end = endOfResponse(received, at, texts[sent - 1]);
        if (end === -1) return;
        at = end;
        next();
      }
    });
    const closed = Promise.race([once(socket, 'end'), once(socket, 'close')]);
    next();
    await closed;
    socket.destroy();
    this.logBytes(received, port);
    return received;
  }

  /** Reads until `pattern` matches; resolves to what was received since the last call. */
  async read(socket, pattern) {
    let received = '';
    while (!pattern.test(received)) {
      const data = await Promise.race([
        once(socket, 'data'),
        once(socket, 'end').then(() => null),
        once(socket, 'close').then(() => null),
      ]);
      if (data === null) return `${received}(the connection closed)`;
      received += data[0];
    }
    return received;
  }

  /** Bytes without what differs between two runs of one server. */
  logBytes(bytes, port) {
    const text = bytes.replaceAll(/^Date: .*\r$/gim, 'Date: *\r').replaceAll(`:${port}`, ':PORT');
    this.record.push(...text.split('\n').map((line) => `> ${shortened(line.replace('\r', '\\r'))}`));
  }

  async end() {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    for (const server of this.#servers) {
      if (!server.listening) continue;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
  }
}
