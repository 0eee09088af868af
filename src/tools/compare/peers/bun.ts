// The responses of the comparison with Bun.serve.
//   bun bun.js PORT FOLDER

import { burn, sleep } from './work.ts';

interface BunServer {
  readonly port: number;
}

/** The part of Bun that is used here. */
declare const Bun: {
  file(path: string): Blob;
  serve(options: {
    readonly port: number;
    readonly hostname: string;
    readonly idleTimeout: number;
    readonly fetch: (request: Request) => Response | Promise<Response>;
  }): BunServer;
};

const [port, folder = '.'] = process.argv.slice(2);

const server = Bun.serve({
  port: Number(port),
  hostname: '127.0.0.1',
  idleTimeout: 255,
  fetch: (request) => {
    const { url } = request;
    const query = url.indexOf('?');
    const path = url.slice(url.indexOf('/', 8), query < 0 ? undefined : query);
    if (path === '/text') return new Response(url.slice(query + 1));
    if (path === '/sleep') return sleep().then(() => new Response('slept\n'));
    if (path === '/burn') return new Response(burn());
    if (path === '/1k.txt' || path === '/1m.txt') return new Response(Bun.file(folder + path));
    return new Response('no such page\n', { status: 404 });
  },
});
process.stdout.write(`PORT ${server.port}\n`);
