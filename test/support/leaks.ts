// Tests, around every test file, that no descriptor is left (sockets, pollers, files), and that the next file in this
// process finds the globals and the environment as they were.

import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect } from 'vitest';
import { settled } from './until.ts';

const EVENTPOLL = 'anon_inode:[eventpoll]';
const REPOSITORY = process.cwd();

/** What this process has open, as /proc names it; the runner's pipes, terminals and libraries left out. */
function openDescriptors(): string[] {
  // Linux alone tells; elsewhere the checks of the Linux runs must do.
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return isOurs(target) ? [target] : [];
    } catch {
      // The descriptor with which the directory was read is gone again.
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

/** Everything in `after` that is not in `before`, each as often as it is too many. */
function surplus(before: readonly string[], after: readonly string[]): string[] {
  const rest = [...before];
  return after.filter((target) => {
    const at = rest.indexOf(target);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

/** What later files of this process read, by name: Node's classes, which fetch handlers replace, and the environment. */
function processState(): ReadonlyMap<string, unknown> {
  const globals = ['Headers', 'Request', 'Response', 'fetch'].map(
    (name) => [name, Reflect.get(globalThis, name)] as const,
  );
  return new Map<string, unknown>([...globals, ...Object.entries(process.env), ['process.cwd()', process.cwd()]]);
}

/** Names of what is not as it was. Values of the environment may be secrets. */
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
