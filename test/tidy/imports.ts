// Rules about the direction of imports between the folders of src/.

import { dirname, join } from 'node:path/posix';
import { codeOf, type SourceFile } from './source.ts';

/**
 * The folders from left to right, each with the folders that it may import. A folder may only name folders in front of it,
 * so that no cycle is possible.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  reactor: ['kernel'],
  connection: ['kernel', 'reactor'],
  http: [],
  options: ['http'],
  fetch: [],
  exchange: ['connection', 'http'],
  http1: ['kernel', 'reactor', 'connection', 'http', 'exchange'],
  log: ['kernel', 'http', 'options', 'exchange'],
  files: ['kernel', 'http', 'options', 'log'],
  tls: ['kernel', 'options', 'log'],
  adapters: ['http', 'options', 'fetch'],
  upstream: ['kernel', 'reactor', 'connection', 'http', 'files', 'adapters'],
  app: ['connection', 'http', 'options', 'exchange', 'files', 'adapters', 'log'],
  rules: ['http', 'options', 'exchange', 'files'],
  server: [
    'kernel',
    'reactor',
    'connection',
    'http',
    'options',
    'exchange',
    'http1',
    'files',
    'adapters',
    'upstream',
    'app',
    'log',
    'rules',
    'tls',
  ],
  node: ['kernel', 'connection', 'http', 'options', 'http1', 'adapters', 'log', 'tls', 'server'],
  testing: ['kernel', 'reactor', 'connection', 'http', 'options', 'exchange', 'http1', 'files', 'app', 'log', 'server'],
  admin: ['kernel', 'http', 'options', 'exchange', 'files', 'log', 'tls', 'server'],
  workers: ['kernel', 'reactor', 'connection', 'http', 'options', 'files', 'app', 'log', 'tls', 'server', 'admin'],
  // Tools that examine or measure a server must not share its bugs, so they import nothing of it.
  tools: [],
  python: ['kernel', 'http', 'files', 'log', 'app', 'server', 'workers'],
  config: ['kernel', 'http', 'options', 'files', 'adapters', 'app', 'log', 'tls', 'server', 'workers'],
  cli: [
    'kernel',
    'http',
    'options',
    'files',
    'adapters',
    'upstream',
    'app',
    'log',
    'rules',
    'tls',
    'server',
    'admin',
    'workers',
    'python',
    'config',
    'tools',
  ],
};

/** The root files that a folder may import, if these are not all of {@link SHARED}. */
const ROOT_FILES_OF: Readonly<Record<string, readonly string[]>> = {
  http: [],
  fetch: ['src/slab-queue.ts', 'src/own-bytes.ts', 'src/count-text.ts'],
  adapters: ['src/errors.ts', 'src/printable.ts'],
  tools: ['src/errors.ts', 'src/package.ts', 'src/printable.ts', 'src/count-text.ts'],
};

/** Not for protocols, which use the interface Channel. The simulator watches the state of the class. */
const CONCRETE_CONNECTION = 'src/connection/connection.ts';

/** Files with types only, which every folder may import. */
const CHANNEL_TYPES: readonly string[] = ['src/connection/channel.ts', 'src/connection/protocol.ts'];

/** Folders whose files import no package and no module of Node.js. */
const PURE: readonly string[] = ['http'];

/** Root files that every folder may import. */
const SHARED: readonly string[] = [
  'src/errors.ts',
  'src/package.ts',
  'src/printable.ts',
  'src/count-text.ts',
  'src/slab-queue.ts',
  'src/own-bytes.ts',
  'src/limits.ts',
];

/** All folders but the tools. */
const SERVER_ROOMS = Object.keys(ROOMS).filter((room) => room !== 'tools');

/** The programs of the models, which may import any layer. */
const PROGRAMS: readonly string[] = [
  'iterative',
  'multiprocess',
  'multithread',
  'coroutine',
  'nonblocking',
  'select',
  'poll',
].map((model) => `src/${model}-server.ts`);

/** The allowed imports of a root file: folders by name, root files by path. */
const ROOT_FILES: Readonly<Record<string, readonly string[]>> = {
  'src/errors.ts': [],
  'src/limits.ts': [],
  'src/package.ts': [],
  'src/slab-queue.ts': ['src/own-bytes.ts'],
  'src/own-bytes.ts': [],
  'src/printable.ts': [],
  'src/count-text.ts': [],
  'src/index.ts': [
    ...SHARED,
    'connection',
    'http',
    'options',
    'fetch',
    'files',
    'adapters',
    'app',
    'log',
    'server',
    'admin',
  ],
  'src/fetch.ts': ['http', 'fetch', 'adapters'],
  'src/static.ts': ['http', 'options', 'files'],
  'src/wsgi.ts': ['http', 'adapters'],
  'src/node.ts': ['adapters', 'node'],
  'src/register.ts': ['node'],
  'src/epoll-server.ts': ['cli', 'workers', ...PROGRAMS],
  ...Object.fromEntries(PROGRAMS.map((program) => [program, [...SHARED, ...SERVER_ROOMS]])),
};

const SPECIFIER = /\bfrom\s*(['"])(.+?)\1|\bimport\s*\(?\s*(['"])(.+?)\3/g;

function specifiersOf(text: string): readonly string[] {
  return [...codeOf(text, true).matchAll(SPECIFIER)].map((match) => match[2] ?? match[4] ?? '');
}

function roomOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? '';
}

/** The reason why `from` must not import `target`; undefined if it may. */
function objection(from: string, target: string): string | undefined {
  const room = roomOf(from);
  const targetRoom = roomOf(target);
  if (room === '') {
    const allowed = ROOT_FILES[from];
    if (allowed === undefined) return 'no rule allows this root file';
    const isAllowed = allowed.includes(target) || (targetRoom !== '' && allowed.includes(targetRoom));
    return isAllowed || CHANNEL_TYPES.includes(target) ? undefined : 'it may not';
  }
  if (room === targetRoom) return undefined;
  const rooms = ROOMS[room];
  if (rooms === undefined) return `src/${room}/ has no place in the order`;
  if (target === CONCRETE_CONNECTION && room !== 'testing') return 'protocols and servers see a Channel';
  if (CHANNEL_TYPES.includes(target) && room !== 'tools') return undefined;
  if (targetRoom !== '') return rooms.includes(targetRoom) ? undefined : `${room}/ may not import ${targetRoom}/`;
  return (ROOT_FILES_OF[room] ?? SHARED).includes(target) ? undefined : `${room}/ may not import that root file`;
}

/** Folders that name a folder which is not in front of them. */
export function orderProblems(): readonly string[] {
  const order = Object.keys(ROOMS);
  return order.flatMap((room, index) =>
    (ROOMS[room] ?? []).filter((each) => !order.slice(0, index).includes(each)).map((each) => `${room} names ${each}`),
  );
}

/** The importers of each file of `files`. */
export function importersOf(files: readonly SourceFile[]): ReadonlyMap<string, ReadonlySet<string>> {
  const importers = new Map<string, Set<string>>();
  for (const { path, text } of files) {
    for (const specifier of specifiersOf(text).filter((each) => each.startsWith('.'))) {
      const target = join(dirname(path), specifier);
      importers.set(target, (importers.get(target) ?? new Set()).add(path));
    }
  }
  return importers;
}

/** Files of fewer than `minLines` lines with exactly one importer, except for programs. */
export function smallFiles(files: readonly SourceFile[], minLines: number): readonly string[] {
  const importers = importersOf(files);
  return files
    .filter(({ path, text }) => text.trimEnd().split('\n').length < minLines && !PROGRAMS.includes(path))
    .flatMap(({ path }) => {
      const [user, ...others] = importers.get(path) ?? [];
      return user === undefined || others.length > 0 ? [] : [`${path} belongs into ${user}`];
    });
}

/** One line for each forbidden import of `files`. */
export function importProblems(files: readonly SourceFile[]): readonly string[] {
  const problems: string[] = [];
  for (const { path, text } of files) {
    for (const specifier of specifiersOf(text)) {
      if (specifier.startsWith('.')) {
        const target = join(dirname(path), specifier);
        const why = objection(path, target);
        if (why !== undefined) problems.push(`${path} imports ${target}: ${why}`);
      } else if (PURE.includes(roomOf(path))) {
        problems.push(`${path} imports ${specifier}: ${roomOf(path)}/ imports nothing`);
      }
    }
  }
  return problems;
}
