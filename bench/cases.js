// What is measured: how each server starts and what it must answer.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { find, run, Talker } from './children.js';

const KIB = Buffer.from('0123456789abcde\n'.repeat(64));

export function serverPath(name) {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url));
}

/** The servers of the cases that were asked for, and a folder for what they need. */
export async function prepareServers(only, say) {
  const folder = mkdtempSync(join(tmpdir(), 'epoll-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, '1k.txt'), KIB);
  const servers = [];
  if (only === null || only === 'plaintext') {
    servers.push(node('epoll-server', 'plaintext.js', [], { path: '/', mode: 'echo' }, true));
    servers.push(node('node:http', 'node-http.js', [], { path: '/', mode: 'echo' }, false));
    const floor = await compileFloor(folder, say);
    if (floor !== null) {
      servers.push({
        name: 'C floor',
        caseName: 'plaintext',
        command: floor,
        args: [],
        mode: 'same',
        path: '/',
        counts: false,
      });
    }
  }
  if (only === null || only === 'static') {
    const answers = { path: '/1k.txt', mode: `${KIB.length}`, content: KIB };
    servers.push({ ...node('epoll-server 1 KiB file', 'static.js', [folder], answers, true), caseName: 'static' });
  }
  return servers;
}

function node(name, file, args, answers, counts) {
  return {
    name,
    caseName: 'plaintext',
    command: process.execPath,
    args: [serverPath(file), ...args],
    counts,
    ...answers,
  };
}

async function compileFloor(folder, say) {
  const cc = find('cc');
  if (cc === null) {
    say('no C compiler (cc): the C floor is left out');
    return null;
  }
  const program = join(folder, 'floor');
  const { code, stderr } = await run(
    cc,
    ['-O2', '-o', program, fileURLToPath(new URL('../src/compare/peers/floor.c', import.meta.url))],
    { limitMs: 60_000 },
  );
  if (code === 0) return program;
  say(`cc failed, the C floor is left out: ${stderr.split('\n')[0]}`);
  return null;
}

/** Starts a server and waits for its port. */
export async function startServer({ name, command, args }, options) {
  const talker = new Talker(name, command, args, options);
  const line = await talker.line();
  talker.port = Number(/^PORT (\d+)$/.exec(line)?.[1]);
  if (!(talker.port > 0)) throw new Error(`${name} said "${line}" instead of its port`);
  return talker;
}
