// Tests after every test file that no descriptor is left open (sockets, pollers, files), and that globals and environment
// are unchanged for the next file in this process.

import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect } from 'vitest';
import { settled } from './until.ts';

const EVENTPOLL = 'anon_inode:[eventpoll]';
const REPOSITORY = process.cwd();

/** The open descriptors of this process by their names in /proc, without pipes, terminals and libraries of the runner. */
function openDescriptors(): string[] {
  // Only Linux has /proc.
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return isOurs(target) ? [target] : [];
    } catch {
      // The descriptor of the directory itself is closed by now.
      return [];
    }
  });
}

function isOurs(target: string): boolean {
  if (target.startsWith('socket:') || target === EVENTPOLL) return true;
  return (
    target.startsWith(`${tmpdir()}/`) || (target.startsWith(`${REPOSITORY}/`) && !target.includes('/node_modules/'))
  );
}

/** The multiset difference: entries of `after` that are not in `before`. */
function surplus(before: readonly string[], after: readonly string[]): string[] {
  const rest = [...before];
  return after.filter((target) => {
    const at = rest.indexOf(target);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/** State that later test files read, by name: Node's classes, which fetch handlers may replace, and the environment. */
function processState(): ReadonlyMap<string, unknown> {
  const globals = ['Headers', 'Request', 'Response', 'fetch'].map(
    (name) => [name, Reflect.get(globalThis, name)] as const,
  );
  return new Map<string, unknown>([...globals, ...Object.entries(process.env), ['process.cwd()', process.cwd()]]);
}

/** The names of changed entries, without values, since environment variables may be secret. */
function changes(earlier: ReadonlyMap<string, unknown>, later: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...earlier.keys(), ...later.keys()])].filter((name) => earlier.get(name) !== later.get(name));
}

const before = openDescriptors();
const stateBefore = processState();

afterAll(async () => {
  await settled(() => surplus(before, openDescriptors()).length === 0);
  expect(surplus(before, openDescriptors()), 'descriptors that this file left open').toEqual([]);
  expect(changes(stateBefore, processState()), 'globals and variables that this file changed').toEqual([]);
});
