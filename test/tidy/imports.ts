// The direction of imports: kernel <- reactor <- connection <- session <- handlers <- server <- config <- cli.

import { dirname, join } from 'node:path/posix';
import { codeOf, type SourceFile } from './source.ts';

/** From left to right. `http`, `fetch` and `handlers` have narrower rules; the root's files their own. */
const ROOMS: readonly string[] = [
  'kernel',
  'reactor',
  'connection',
  'session',
  'handlers',
  'server',
  'testing',
  'workers',
  'config',
  'cli',
];

/** Rooms beside the server, which know nothing of it: what examines or measures it must not share its mistakes. */
const APART: readonly string[] = ['conformance', 'compare'];

/** Root files that everyone but `http` and `fetch` may import. */
const PLAIN = ['src/errors.ts', 'src/package.ts', 'src/printable.ts'];

/** Plain data structures, which `fetch` may import too. */
const STRUCTURES = ['src/slab-queue.ts', 'src/own-bytes.ts'];

/** Those that rooms of the server may import too. */
const SHARED = [...PLAIN, ...STRUCTURES, 'src/limits.ts'];

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
  'src/limits.ts': ['src/errors.ts'],
  'src/package.ts': [],
  'src/slab-queue.ts': ['src/own-bytes.ts'],
  'src/own-bytes.ts': [],
  'src/printable.ts': [],
  'src/index.ts': [...SHARED, 'http', 'fetch', 'handlers', 'server'],
  'src/epoll-server.ts': ['cli', 'workers', ...PROGRAMS],
  ...Object.fromEntries(PROGRAMS.map((program) => [program, [...SHARED, ...ROOMS, 'http']])),
};

const SPECIFIER = /\bfrom\s*(['"])(.+?)\1|\bimport\s*\(?\s*(['"])(.+?)\3/g;

function specifiersOf(text: string): readonly string[] {
  return [...codeOf(text, true).matchAll(SPECIFIER)].map((match) => match[2] ?? match[4] ?? '');
}

function roomOf(path: string): string {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? '';
}

function rank(room: string): number {
  return ROOMS.indexOf(room);
}

/** Why `from` must not import `target`; undefined when it may. */
function objection(from: string, target: string): string | undefined {
  const room = roomOf(from);
  const targetRoom = roomOf(target);
  if (room === '') {
    const allowed = ROOT_FILES[from];
    if (allowed === undefined) return 'no rule allows this root file';
    return allowed.includes(target) || (targetRoom !== '' && allowed.includes(targetRoom)) ? undefined : 'it may not';
  }
  if (room === targetRoom) return undefined;
  if (room === 'http') return 'http/ imports nothing';
  if (room === 'fetch') {
    return STRUCTURES.includes(target)
      ? undefined
      : "fetch/ imports data structures only: it has the standard's classes";
  }
  if (room === 'handlers') {
    return targetRoom === 'http' || targetRoom === 'fetch' || [...PLAIN, ...STRUCTURES].includes(target)
      ? undefined
      : 'handlers/ import http/, fetch/ and the root files that everyone shares only';
  }
  if (APART.includes(room))
    return PLAIN.includes(target) ? undefined : 'it imports errors.ts, package.ts and printable.ts only';
  if (room === 'cli' && APART.includes(targetRoom)) return undefined;
  if (rank(room) < 0) return `src/${room}/ has no place in the order`;
  if (targetRoom === '') return SHARED.includes(target) ? undefined : 'the top imports, it is not imported';
  if (targetRoom === 'fetch') return 'only handlers/ know fetch/';
  if (targetRoom === 'http') return rank(room) >= rank('session') ? undefined : 'only session and later know http/';
  return rank(targetRoom) >= 0 && rank(targetRoom) < rank(room) ? undefined : 'imports point only left';
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
      } else if (roomOf(path) === 'http') {
        problems.push(`${path} imports ${specifier}: http/ imports nothing`);
      }
    }
  }
  return problems;
}
