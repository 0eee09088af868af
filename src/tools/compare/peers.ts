// Other servers as contenders, if they are installed. node:http and packages are found from the working folder,
// programs in the PATH. A minimal epoll loop in C shows the lower bound.

import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { PACKAGE_ROOT, programPath } from '../../package.ts';
import type { Contender } from './contender.ts';
import { outputOf } from './program.ts';

/** Finds one peer; a string says why it is not available. */
type Finder = (folder: string) => Promise<Contender | string>;

const APPLICATION = ['text', 'sleep', 'burn'] as const;
const FILES = ['kib', 'mib'] as const;

const FINDERS: Readonly<Record<string, Finder>> = {
  'node:http': async () => ({
    ...peer('node:http', process.versions.node, 'node-http.js', process.execPath),
    responses: [...APPLICATION, ...FILES],
  }),
  fastify: async () => packagePeer('fastify', ['fastify'], 'fastify.js'),
  bun: async () => {
    const version = await versionOf('bun', ['--version'], /^(\d\S*)/m);
    return version === null
      ? 'bun is not in the PATH (install it with npm install bun)'
      : { ...peer('bun', version, 'bun.js', 'bun'), responses: [...APPLICATION, ...FILES] };
  },
  nginx: async () => {
    const version = await versionOf('nginx', ['-v'], /nginx\/(\S+)/);
    return version === null ? 'nginx is not in the PATH (Debian: apt install nginx-light)' : nginx(version);
  },
  uws: async () => packagePeer('uws', ['uWebSockets.js', 'uwebsockets'], 'uws.js'),
  c: floor,
};

export const PEER_NAMES: readonly string[] = Object.keys(FINDERS);

/** Returns the peer of that name, or why it is not available. `folder` is where compiled programs go. */
export async function findPeer(name: string, folder: string): Promise<Contender | string> {
  return (await FINDERS[name]?.(folder)) ?? `there is no peer "${name}"`;
}

function programOf(file: string): string {
  return programPath(`tools/compare/peers/${file}`);
}

/** A peer that is a script. */
function peer(name: string, version: string, file: string, command: string, ...more: readonly string[]): Contender {
  return {
    name,
    kind: 'peer',
    version,
    responses: APPLICATION,
    command: (_, { folder, port }) => ({ command, args: [programOf(file), `${port}`, folder, ...more] }),
  };
}

/** A script that uses a package of the working folder, under one of its names. */
function packagePeer(name: string, packages: readonly string[], file: string): Contender | string {
  const require = createRequire(join(process.cwd(), 'package.json'));
  for (const candidate of packages) {
    try {
      const path = require.resolve(candidate);
      return peer(name, versionAt(path, candidate), file, process.execPath, path);
    } catch {
      // Try the next name.
    }
  }
  return `${packages[0]} is not installed in this folder (npm install ${packages.at(-1)})`;
}

/** The version in the package.json above a file of the package; empty if there is none. */
function versionAt(path: string, name: string): string {
  const require = createRequire(path);
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest: unknown = require(join(folder, 'package.json'));
      if (isManifest(manifest) && manifest.name === name) return manifest.version;
    } catch {
      // Search further up.
    }
  }
  return '';
}

function isManifest(value: unknown): value is { readonly name: string; readonly version: string } {
  return typeof value === 'object' && value !== null && 'name' in value && 'version' in value;
}

async function versionOf(command: string, args: readonly string[], pattern: RegExp): Promise<string | null> {
  const output = await outputOf(command, args);
  return output === null ? null : (pattern.exec(output.stdout + output.stderr)?.[1] ?? '');
}

/** nginx with one worker and no log. It cannot choose a port itself. Its text is the query, without an application. */
function nginx(version: string): Contender {
  return {
    name: 'nginx',
    kind: 'peer',
    version,
    responses: ['text', ...FILES],
    command: async (_, { folder, port: givenPort }) => {
      const port = givenPort > 0 ? givenPort : await freePort();
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (kind) => `${kind}_temp_path ${folder}/${kind};`,
      );
      await writeFile(
        join(folder, 'nginx.conf'),
        `daemon off; worker_processes 1; worker_rlimit_nofile 65536; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 16384; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; sendfile on; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port} backlog=4096; root ${folder}; default_type text/plain;
    location = /text { return 200 $args; } } }\n`,
      );
      return { command: 'nginx', args: ['-p', folder, '-c', join(folder, 'nginx.conf')], port };
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** An epoll loop that only searches the end of each head: the lower bound for an HTTP server. */
async function floor(folder: string): Promise<Contender | string> {
  const program = join(folder, 'floor');
  const source = join(PACKAGE_ROOT, 'src', 'tools', 'compare', 'peers', 'floor.c');
  const compiled = await outputOf('cc', ['-O2', '-o', program, source], 60_000);
  if (compiled === null) return 'there is no C compiler (cc)';
  if (compiled.outcome !== 'exit code 0') return `cc failed: ${compiled.lastLine}`;
  return {
    name: 'c',
    kind: 'peer',
    version: 'cc -O2',
    responses: ['text'],
    isFixed: true,
    neverCloses: true,
    command: () => ({ command: program, args: [] }),
  };
}
