// A program that speaks uwsgi, for tests of a server in front of it: each connection gets what the test says.

import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { folder } from './folder.ts';

/** A request as the program received it. */
export interface UwsgiRequest {
  readonly variables: Readonly<Record<string, string>>;
  readonly content: Buffer;
  readonly socket: Socket;
}

/** Answers one request. */
export type UwsgiAnswer = (request: UwsgiRequest) => void;

export class UwsgiUpstream {
  /** The value of the option `proxy`. */
  readonly place: string;
  readonly requests: UwsgiRequest[] = [];
  /** Connections so far. */
  connections = 0;
  /** Connections that are open. */
  readonly open: Set<Socket> = new Set();
  readonly #server: Server;

  constructor(place: string, server: Server, answer: UwsgiAnswer) {
    this.place = place;
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket, answer));
    onTestFinished(() => this.close());
  }

  close(): void {
    this.#server.close();
    for (const socket of this.open) socket.destroy();
  }

  #serve(socket: Socket, answer: UwsgiAnswer): void {
    this.connections++;
    this.open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.open.delete(socket));
    const pieces: Buffer[] = [];
    let received = 0;
    let wanted = 4;
    socket.on('data', (bytes) => {
      pieces.push(bytes);
      received += bytes.length;
      if (received < wanted) return;
      const request = parse(Buffer.concat(pieces), socket);
      if (typeof request === 'number') {
        wanted = request;
        return;
      }
      wanted = Number.POSITIVE_INFINITY;
      this.requests.push(request);
      answer(request);
    });
  }
}

/** The request, or the number of bytes that it needs. */
function parse(bytes: Buffer, socket: Socket): UwsgiRequest | number {
  if (bytes.length < 4) return 4;
  const end = 4 + bytes.readUInt16LE(1);
  if (bytes.length < end) return end;
  const texts: string[] = [];
  for (let at = 4; at < end; ) {
    const length = bytes.readUInt16LE(at);
    texts.push(bytes.toString('latin1', at + 2, at + 2 + length));
    at += 2 + length;
  }
  const variables: Record<string, string> = {};
  for (let i = 0; i < texts.length; i += 2) variables[texts[i] ?? ''] = texts[i + 1] ?? '';
  const whole = end + Number(variables['CONTENT_LENGTH'] ?? 0);
  return bytes.length < whole ? whole : { variables, content: bytes.subarray(end, whole), socket };
}

/** Starts a program on a Unix domain socket, or on a port. */
export async function uwsgiUpstream(answer: UwsgiAnswer, where: 'path' | 'port' = 'path'): Promise<UwsgiUpstream> {
  const server = createServer();
  const path = where === 'path' ? `${await folder()}/app.sock` : '';
  await new Promise<void>((resolve) => {
    if (where === 'path') server.listen(path, resolve);
    else server.listen(0, '127.0.0.1', resolve);
  });
  const bound = server.address();
  const place = typeof bound === 'object' && bound !== null ? `127.0.0.1:${bound.port}` : `unix:${path}`;
  return new UwsgiUpstream(`uwsgi:${place}`, server, answer);
}

/** A program that sends `bytes` to each request and closes. */
export function sending(bytes: string | Uint8Array, where?: 'path' | 'port'): Promise<UwsgiUpstream> {
  return uwsgiUpstream(({ socket }) => void socket.end(bytes, 'latin1'), where);
}
