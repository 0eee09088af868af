// The responses of the comparison with uWebSockets.js, whose path is the last argument.
//   node uws.js PORT FOLDER UWEBSOCKETS

import { createRequire } from 'node:module';
import { burn, sleep } from './work.ts';

interface UwsResponse {
  onAborted(callback: () => void): UwsResponse;
  cork(callback: () => void): UwsResponse;
  end(text: string): UwsResponse;
}

interface UwsApp {
  get(path: string, handler: (response: UwsResponse, request: { getQuery(): string }) => void): UwsApp;
  listen(host: string, port: number, callback: (socket: unknown) => void): UwsApp;
}

interface Uws {
  App(): UwsApp;
  us_socket_local_port(socket: unknown): number;
}

const [port, , path = 'uWebSockets.js'] = process.argv.slice(2);
const uws: Uws = createRequire(import.meta.url)(path);

uws
  .App()
  .get('/text', (response, request) => void response.end(request.getQuery()))
  .get('/burn', (response) => void response.end(burn()))
  .get('/sleep', (response) => {
    let isGone = false;
    response.onAborted(() => {
      isGone = true;
    });
    void sleep().then(() => {
      if (!isGone) response.cork(() => response.end('slept\n'));
    });
  })
  .listen('127.0.0.1', Number(port), (socket) => {
    process.stdout.write(`PORT ${socket ? uws.us_socket_local_port(socket) : 0}\n`);
  });
