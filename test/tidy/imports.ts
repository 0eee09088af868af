// The direction of imports between the rooms of src/.

import { dirname, join } from 'node:path/posix';
import { codeOf, type SourceFile } from './source.ts';

/**
 * The rooms from left to right, each with the rooms that it may import. A room may only name rooms in front of it, so
 * that imports cannot run in a circle.
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
  log: ['http', 'options', 'exchange'],
  files: ['kernel', 'http', 'options', 'log'],
  adapters: ['http', 'options', 'fetch'],
  app: ['connection', 'http', 'options', 'exchange', 'files', 'adapters', 'log'],
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
    'app',
    'log',
  ],
  testing: ['kernel', 'reactor', 'connection', 'http', 'options', 'exchange', 'http1', 'files', 'app', 'log', 'server'],
  workers: ['kernel', 'reactor', 'connection', 'http', 'options', 'files', 'app', 'log', 'server'],
  // What examines or measures a server must not share its mistakes: it imports nothing of it.
  tools: [],
  config: ['kernel', 'http', 'options', 'files', 'adapters', 'app', 'log', 'server', 'workers'],
  cli: ['kernel', 'http', 'options', 'files', 'adapters', 'app', 'log', 'server', 'workers', 'config', 'tools'],
};

/** The root files that a room may import, where these are not all that are {@link SHARED}. */
const ROOT_FILES_OF: Readonly<Record<string, readonly string[]>> = {
  http: [],
  fetch: ['src/slab-queue.ts', 'src/own-bytes.ts'],
  adapters: ['src/errors.ts', 'src/printable.ts'],
  tools: ['src/errors.ts', 'src/package.ts', 'src/printable.ts'],
};

/** What protocols must not know: they see its interface. The simulator watches how its state changes. */
const CONCRETE_CONNECTION = 'src/connection/connection.ts';

/** They hold types only, which handlers see too: every room may import them. */
const CHANNEL_TYPES: readonly string[] = ['src/connection/channel.ts', 'src/connection/protocol.ts'];

/** Rooms whose files import no package and no module of Node. */
const PURE: readonly string[] = ['http'];

/** Root files that every room may import. */
const SHARED: readonly string[] = [
  'src/errors.ts',
  'src/package.ts',
  'src/printable.ts',
  'src/slab-queue.ts',
  'src/own-bytes.ts',
  'src/limits.ts',
];

/** All rooms but the tools. */
const SERVER_ROOMS = Object.keys(ROOMS).filter((room) => room !== 'tools');

/** The models: each is a program that shows how it works, out of whatever layer has the parts. */
const PROGRAMS: readonly string[] = [
  'iterative',
  'multiprocess',
  'multithread',
  'coroutine',
  'nonblocking',
  'select',
  'poll',
].map((model) => `src/${model}-server.ts`);

/** What a root file may import: rooms by name, root files by path. */
const ROOT_FILES: Readonly<Record<string, readonly string[]>> = {
  'src/errors.ts': [],
  'src/limits.ts': [],
  'src/package.ts': [],
  'src/slab-queue.ts': ['src/own-bytes.ts'],
  'src/own-bytes.ts': [],
  'src/printable.ts': [],
  'src/index.ts': [...SHARED, 'connection', 'http', 'options', 'fetch', 'files', 'adapters', 'app', 'log', 'server'],
  'src/fetch.ts': ['http', 'fetch', 'adapters'],
  'src/static.ts': ['http', 'options', 'files'],
  'src/wsgi.ts': ['http', 'adapters'],
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

/** Why `from` must not import `target`; undefined when it may. */
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

/** Rooms that name a room which does not stand in front of them. */
export function orderProblems(): readonly string[] {
  const order = Object.keys(ROOMS);
  return order.flatMap((room, index) =>
    (ROOMS[room] ?? []).filter((each) => !order.slice(0, index).includes(each)).map((each) => `${room} names ${each}`),
  );
}

/** By file of `files`: the others that import it. */
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

/** Files of fewer than `minLines` lines that one other file imports, and that are no programs. */
export function smallFiles(files: readonly SourceFile[], minLines: number): readonly string[] {
  const importers = importersOf(files);
  return files
    .filter(({ path, text }) => text.trimEnd().split('\n').length < minLines && !PROGRAMS.includes(path))
    .flatMap(({ path }) => {
      const [user, ...others] = importers.get(path) ?? [];
      return user === undefined || others.length > 0 ? [] : [`${path} belongs into ${user}`];
    });
}

/** One line for each import of `files` that the order forbids. */
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
