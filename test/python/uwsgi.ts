// A client of the uwsgi protocol, for tests of Python workers without a server in front.

import { connect } from 'node:net';

export type Variables = Readonly<Record<string, string>>;

const VARIABLES: Variables = {
  ...{ REQUEST_METHOD: 'GET', REQUEST_URI: '/', PATH_INFO: '/', QUERY_STRING: '', SERVER_NAME: 'localhost' },
  ...{ SERVER_PORT: '80', SERVER_PROTOCOL: 'HTTP/1.1' },
};

function sized(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const size = Buffer.alloc(2);
  size.writeUInt16LE(bytes.length);
  return Buffer.concat([size, bytes]);
}

/** A packet of uwsgi with these variables beside the usual ones. */
export function packet(own: Variables = {}): Buffer {
  const pairs = Buffer.concat(Object.entries({ ...VARIABLES, ...own }).flatMap((pair) => pair.map(sized)));
  const head = Buffer.alloc(4);
  head.writeUInt16LE(pairs.length, 1);
  return Buffer.concat([head, pairs]);
}

/** Sends a request to the socket `path`; resolves to the whole response. */
export function request(path: string, own: Variables = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(packet(own)));
    let text = '';
    socket.on('data', (data: Buffer) => {
      text += data.toString('utf8');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
