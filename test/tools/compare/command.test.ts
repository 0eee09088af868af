// Proves the command `compare`: a small real comparison, what it leaves behind, and what it says to mistakes, to
// servers that die, and to a Ctrl-C.

import { chmod, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { MODEL_NAMES } from '../../../src/options/choices.ts';
import { DIAL_NAMES } from '../../../src/tools/compare/dials.ts';
import { PEER_NAMES } from '../../../src/tools/compare/peers.ts';
import { type ComparisonResult, readResult } from '../../../src/tools/compare/result.ts';
import { oneProcess } from '../../support/commands.ts';
import { folder } from '../../support/folder.ts';
import { COMMAND, type Program, type ProgramOptions, startProgram } from '../../support/program.ts';
import { settled, until } from '../../support/until.ts';
import { result } from './results.ts';

const runCommand = oneProcess();

const TINY = ['--rounds', '1', '--seconds', '0.1'];

function compare(args: readonly string[], options: ProgramOptions = {}): Program {
  return startProgram(process.execPath, [COMMAND, 'compare', ...args], options);
}

/** Waits for the end of a comparison, however busy the machine is. */
async function ended(program: Program): Promise<number | NodeJS.Signals | null> {
  await settled(() => program.exit !== null);
  return program.exit;
}

/** The one result in a folder. */
async function resultIn(path: string): Promise<ComparisonResult> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.json'));
  expect(names).toHaveLength(1);
  return readResult(join(path, names[0] ?? ''));
}

/** A folder with programs, each a shell script, to stand in front of the PATH. */
async function programs(scripts: Readonly<Record<string, string>>): Promise<string> {
  const path = await folder(
    Object.fromEntries(Object.entries(scripts).map(([name, code]) => [name, `#!/bin/sh\n${code}\n`])),
  );
  for (const name of Object.keys(scripts)) await chmod(join(path, name), 0o755);
  return path;
}

/** A PATH that has nothing but what `scripts` says and what every machine has. */
async function bare(scripts: Readonly<Record<string, string>> = {}): Promise<Readonly<Record<string, string>>> {
  const path = await programs(scripts);
  for (const name of ['getconf', 'sh', 'git']) await symlink(`/usr/bin/${name}`, join(path, name));
  await symlink(process.execPath, join(path, 'node'));
  return { PATH: path };
}

describe('two models and node:http, tiny', () => {
  let said = { out: '', err: '' };
  let found: ComparisonResult = result();

  test('are measured, and the table, the result and the report say so', async () => {
    const cwd = await folder();
    const args = ['--models', 'epoll,iterative', '--dials', 'file', '--against', 'node:http,c,uws', ...TINY];
    const program = compare(args, { cwd });
    expect(await ended(program), program.stderr).toBe(0);
    said = { out: program.stdout, err: program.stderr };
    found = await resultIn(join(cwd, 'compare-results'));
    expect(found.incomplete).toBe('');
    expect(found.entries.map(({ name }) => name)).toEqual(['epoll', 'iterative', 'node:http', 'c']);
    const index = await readlink(join(cwd, 'compare-results', 'index.html'));
    const report = await readFile(join(cwd, 'compare-results', index), 'utf8');
    expect(report).toMatch(/^<!DOCTYPE html>/);
    for (const { name } of found.entries) expect(said.out).toMatch(new RegExp(`^${name} +\\d`, 'm'));
    expect(said.out).toMatch(/^report: compare-results\/.*\.html$/m);
    measured();
    leftOut();
  });

  /** Every number that must be there is there, and is possible. */
  function measured(): void {
    for (const { contender, dial, position, rounds, problem, setting } of found.rows) {
      const where = `${contender}, ${dial} ${position}: ${problem}`;
      if (contender === 'c' && setting.answer !== 'text') {
        expect(problem, where).toBe('it has no such answer here');
        continue;
      }
      expect(rounds, where).toHaveLength(1);
      for (const figures of rounds) {
        expect(figures.perSecond, where).toBeGreaterThan(0);
        expect(figures.p50Us, where).toBeGreaterThan(0);
        expect(figures.p999Us, where).toBeGreaterThanOrEqual(figures.p50Us);
        expect(figures.residentBytes, where).toBeGreaterThan(100_000);
        expect(figures.wrong, where).toBe(0);
      }
    }
    const most = Object.fromEntries(found.entries.map((entry) => [entry.name, entry.most]));
    expect(most).toEqual({ epoll: 1_100, iterative: 1, 'node:http': 1_100, c: 1_100 });
    // A busy machine may have answered nobody in the moment in which calls were counted, but not each time.
    const calls = found.rows.flatMap(({ rounds }) => rounds).map(({ systemCalls }) => systemCalls ?? 0);
    expect(Math.max(...calls)).toBeGreaterThan(0.5);
    // Somebody compared answers while others asked.
    expect(found.rows.find(({ contender }) => contender === 'epoll')?.rounds[0]?.checked).toBeGreaterThan(0);
  }

  function leftOut(): void {
    expect(said.err).toMatch(/^epoll-server: uws is left out: uWebSockets\.js is not installed.*npm install/m);
    expect(said.err).toMatch(/^epoll-server: compares epoll, iterative, node:http, c: 1 rounds, about \d+ s$/m);
    expect(said.err).toMatch(/^epoll-server: \d+ %, \d+ s left; round 1 of 1: /m);
    expect(said.err).not.toContain('\x1b');
    expect(found.warnings.some((text) => text.startsWith('uws is left out'))).toBe(true);
  }
});

test('a wrk that is too old: autocannon takes its place, said aloud', async () => {
  const out = await folder();
  const env = await bare({ wrk: 'echo "wrk 3.1.2 [epoll] Copyright (C) 2012 Will Glozer"; exit 1' });
  const program = compare(['--models', 'epoll', '--dials', 'clients', '--out', out, ...TINY], { env });
  expect(await ended(program), program.stderr).toBe(0);
  expect(program.stderr).toMatch(
    /wrk 3\.1\.2 is too old: 4\.0\.0 or later tells percentiles: autocannon takes its place/,
  );
  const { load, rows, counters } = await resultIn(out);
  expect([load.name, counters]).toEqual(['autocannon', '']);
  expect(rows[0]?.rounds[0]?.perSecond).toBeGreaterThan(0);
  expect(rows[0]?.rounds[0]?.systemCalls).toBeNull();
});

test('no wrk: autocannon takes its place, said aloud', async () => {
  const program = compare(['--models', 'epoll', '--out', await folder()], { env: await bare() });
  await until(() => program.stderr.includes('compares'), 'it begins');
  program.signal('SIGINT');
  expect(await ended(program), program.stderr).toBe(130);
  expect(program.stderr).toMatch(/wrk is not installed .*: autocannon takes its place/);
});

test('a server that dies in a round: its rows say so, the others go on', async () => {
  const out = await folder();
  const path = await programs({
    // It listens, answers one client with nothing, and is gone.
    bun: `[ "$1" = --version ] && echo 1.0.0 || exec "${process.execPath}" -e '
      const server = require("net").createServer((socket) => { console.error("out of luck"); process.exit(9); });
      server.listen(0, "127.0.0.1", () => console.log("PORT " + server.address().port));'`,
  });
  const env = { PATH: `${path}:${process.env['PATH'] ?? ''}` };
  const args = ['--models', 'epoll', '--dials', 'clients', '--against', 'bun', '--out', out, ...TINY];
  const program = compare(args, { env });
  expect(await ended(program), program.stderr).toBe(0);
  const { rows } = await resultIn(out);
  for (const row of rows.filter(({ contender }) => contender === 'bun')) {
    expect(row.rounds).toEqual([]);
    expect(row.problem).toMatch(/ended with exit code 9.*out of luck/);
  }
  expect(rows.find(({ contender }) => contender === 'epoll')?.rounds).toHaveLength(1);
  expect(program.stdout).toContain('out of luck');
});

test('Ctrl-C: the children end, and what was measured is kept and marked', async () => {
  const out = await folder();
  // Whatever it starts inherits this, by which it is found.
  const env = { TMPDIR: out };
  const program = compare(['--models', 'epoll', '--dials', 'clients', '--seconds', '0.2', '--out', out], { env });
  // When the second setting is under way, the first one has been measured.
  await settled(() => (program.stderr.match(/the middle|clients at 1/g)?.length ?? 0) > 1);
  program.signal('SIGINT');
  expect(await ended(program), program.stderr).toBe(130);
  const found = await resultIn(out);
  expect(found.incomplete).toBe('it was interrupted');
  expect(found.rows.some(({ rounds }) => rounds.length > 0)).toBe(true);
  expect(program.stdout).toContain('INCOMPLETE: it was interrupted');
  expect(await leftBehind(out), 'servers and generators').toEqual([]);
});

/** Processes that have their temporary files in a folder. */
async function leftBehind(out: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return environment.includes(`TMPDIR=${out}`) ? readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '') : '';
    }),
  );
  return found.filter((line) => line !== '');
}

test('a result that is there is drawn again, and only one that is of this schema', async () => {
  const out = await folder({ 'a.json': JSON.stringify(result()), 'b.json': '{"schema":0}', 'c.json': 'nonsense' });
  const again = compare(['--from', join(out, 'a.json'), '--out', join(out, 'again')]);
  expect(await again.ended(), again.stderr).toBe(0);
  expect(await readdir(join(out, 'again'))).toEqual([
    '2026-11-21T10-00-00.html',
    '2026-11-21T10-00-00.json',
    'index.html',
  ]);
  expect(again.stdout).toContain('CPU µs/request: epoll before');
  for (const [name, message] of [
    ['b.json', /b\.json is no result of a comparison with schema 1/],
    ['c.json', /c\.json cannot be read: .*JSON/],
    ['d.json', /d\.json cannot be read: ENOENT/],
  ] as const) {
    const { exit, stderr } = await runCommand(['compare', '--from', join(out, name), '--out', out]);
    expect([exit, stderr]).toEqual([1, expect.stringMatching(message)]);
  }
});

describe('mistakes', () => {
  let taken = 0;
  beforeAll(async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    taken = typeof address === 'object' && address !== null ? address.port : 0;
    return () => void server.close();
  });

  test.each([
    [['--models', 'epoll,magic'], `there is no model "magic": choose from ${MODEL_NAMES.join(', ')}`],
    [['--models', ''], 'there is no model ""'],
    [['--dials', 'volume'], `there is no dial "volume": choose from ${DIAL_NAMES.join(', ')}`],
    [['--against', 'apache'], `there is no peer "apache": choose from ${PEER_NAMES.join(', ')}`],
    [['--quick', '--full'], 'give --quick or --full, not both'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100, not "0"'],
    [['--seconds', 'long'], '--seconds must be a number from 0.1 to 60, not "long"'],
    [['--port', '70000'], '--port must be a whole number from 0 to 65535'],
    [['--out', ''], '--out is empty'],
    [['--loud'], "Unknown option '--loud'"],
    [['more'], "Unexpected argument 'more'"],
  ])('%j is refused in one line, with 2', async (args, message) => {
    const { exit, stdout, stderr } = await runCommand(['compare', ...args]);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  });

  test('a port that is taken, and a folder that cannot be written: one line, with 1, and nothing is started', async () => {
    const path = await folder({ 'a-file': '' });
    const busy = await runCommand(['compare', '--port', `${taken}`, '--out', path]);
    expect([busy.exit, busy.stdout]).toEqual([1, '']);
    expect(busy.stderr).toMatch(/^epoll-server: no server can have port \d+: .*EADDRINUSE.*--port\n$/);
    const blocked = await runCommand(['compare', '--out', join(path, 'a-file', 'results')]);
    expect([blocked.exit, blocked.stdout]).toEqual([1, '']);
    expect(blocked.stderr).toMatch(/^epoll-server: results cannot be written to .*a-file.*ENOTDIR.*--out\n$/);
  });

  test('no load generator at all: one line, with 1', async () => {
    // A copy of the program whose package has no autocannon beside it.
    const place = await folder();
    const root = dirname(dirname(COMMAND));
    await mkdir(join(place, 'node_modules'));
    for (const name of ['dist', 'build', 'html', 'package.json']) await symlink(join(root, name), join(place, name));
    for (const name of await readdir(join(root, 'node_modules'))) {
      if (name !== 'autocannon') await symlink(join(root, 'node_modules', name), join(place, 'node_modules', name));
    }
    const args = ['--preserve-symlinks', '--preserve-symlinks-main', join(place, 'dist', 'epoll-server.js'), 'compare'];
    const program = startProgram(process.execPath, [...args, '--out', place], { cwd: place, env: await bare() });
    expect(await program.ended()).toBe(1);
    expect(program.stderr).toMatch(
      /wrk is not installed .*, and neither is autocannon here \(npm install autocannon\)/,
    );
  });
});

test('the help says what there is', async () => {
  const program = compare(['--help']);
  expect(await program.ended()).toBe(0);
  for (const name of [...MODEL_NAMES, ...DIAL_NAMES, ...PEER_NAMES]) expect(program.stdout).toContain(name);
});
