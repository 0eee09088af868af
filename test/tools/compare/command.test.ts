// Tests the command `compare`: a small real comparison with its files, wrong usage, servers that end early, and Ctrl-C.

import { chmod, mkdir, readdir, readFile, readlink, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { MODEL_NAMES } from '../../../src/options/choices.ts';
import { PARAMETER_NAMES } from '../../../src/tools/compare/parameters.ts';
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

/** Reads the only result in a folder. */
async function resultIn(path: string): Promise<ComparisonResult> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.json'));
  expect(names).toHaveLength(1);
  return readResult(join(path, names[0] ?? ''));
}

/** A folder with shell scripts as programs, to put in front of the PATH. */
async function programs(scripts: Readonly<Record<string, string>>): Promise<string> {
  const path = await folder(
    Object.fromEntries(Object.entries(scripts).map(([name, code]) => [name, `#!/bin/sh\n${code}\n`])),
  );
  for (const name of Object.keys(scripts)) await chmod(join(path, name), 0o755);
  return path;
}

/** A PATH with nothing but `scripts` and programs that every machine has. */
async function bare(scripts: Readonly<Record<string, string>> = {}): Promise<Readonly<Record<string, string>>> {
  const path = await programs(scripts);
  for (const name of ['getconf', 'sh', 'git']) await symlink(`/usr/bin/${name}`, join(path, name));
  await symlink(process.execPath, join(path, 'node'));
  return { PATH: path };
}

describe('two models and node:http, tiny', () => {
  let printed = { out: '', err: '' };
  let found: ComparisonResult = result();

  test('are measured: table, result and report contain them', async () => {
    const cwd = await folder();
    const args = ['--models', 'epoll,iterative', '--parameters', 'file', '--against', 'node:http,c,uws', ...TINY];
    const program = compare(args, { cwd });
    expect(await ended(program), program.stderr).toBe(0);
    printed = { out: program.stdout, err: program.stderr };
    found = await resultIn(join(cwd, 'compare-results'));
    expect(found.incomplete).toBe('');
    expect(found.entries.map(({ name }) => name)).toEqual(['epoll', 'iterative', 'node:http', 'c']);
    const index = await readlink(join(cwd, 'compare-results', 'index.html'));
    const report = await readFile(join(cwd, 'compare-results', index), 'utf8');
    expect(report).toMatch(/^<!DOCTYPE html>/);
    for (const { name } of found.entries) expect(printed.out).toMatch(new RegExp(`^${name} +\\d`, 'm'));
    expect(printed.out).toMatch(/^report: compare-results\/.*\.html$/m);
    measured();
    leftOut();
  });

  /** Checks that every expected figure is there and is possible. */
  function measured(): void {
    for (const { contender, parameter, position, rounds, problem, setting } of found.rows) {
      const where = `${contender}, ${parameter} ${position}: ${problem}`;
      if (contender === 'c' && setting.response !== 'text') {
        expect(problem, where).toBe('not supported by this server');
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
    // On a busy machine no request may fall into the window that counts calls, but not in every window.
    const calls = found.rows.flatMap(({ rounds }) => rounds).map(({ systemCalls }) => systemCalls ?? 0);
    expect(Math.max(...calls)).toBeGreaterThan(0.5);
    // Responses were compared under load.
    expect(found.rows.find(({ contender }) => contender === 'epoll')?.rounds[0]?.checked).toBeGreaterThan(0);
  }

  function leftOut(): void {
    expect(printed.err).toMatch(/^epoll-server: skipping uws: uWebSockets\.js is not installed.*npm install/m);
    expect(printed.err).toMatch(/^epoll-server: comparing epoll, iterative, node:http, c: 1 round, about \d+ s$/m);
    expect(printed.err).toMatch(/^epoll-server: \d+ %, \d+ s left; round 1 of 1: /m);
    expect(printed.err).not.toContain('\x1b');
    expect(found.warnings.some((text) => text.startsWith('skipping uws'))).toBe(true);
  }
});

test('a wrk that is too old: autocannon is used instead; a server that ends: its rows say so, others are measured', async () => {
  const out = await folder();
  const env = await bare({
    wrk: 'echo "wrk 3.1.2 [epoll] Copyright (C) 2012 Will Glozer"; exit 1',
    // It listens, and ends at its first client without a response.
    bun: `[ "$1" = --version ] && echo 1.0.0 || exec "${process.execPath}" -e '
      const server = require("net").createServer((socket) => { console.error("out of luck"); process.exit(9); });
      server.listen(0, "127.0.0.1", () => console.log("PORT " + server.address().port));'`,
  });
  const args = ['--models', 'epoll', '--parameters', 'clients', '--against', 'bun', '--out', out, ...TINY];
  const program = compare(args, { env });
  expect(await ended(program), program.stderr).toBe(0);
  expect(program.stderr).toMatch(
    /wrk 3\.1\.2 is too old: 4\.0\.0 or later is needed for percentiles: using autocannon instead/,
  );
  const { load, rows, counters } = await resultIn(out);
  expect([load.name, counters]).toEqual(['autocannon', '']);
  for (const row of rows.filter(({ contender }) => contender === 'bun')) {
    expect(row.rounds).toEqual([]);
    expect(row.problem).toMatch(/ended with exit code 9.*out of luck/);
  }
  const measured = rows.find(({ contender }) => contender === 'epoll')?.rounds;
  expect(measured).toHaveLength(1);
  expect(measured?.[0]?.perSecond).toBeGreaterThan(0);
  expect(measured?.[0]?.systemCalls).toBeNull();
  expect(program.stdout).toContain('out of luck');
});

test('no wrk: autocannon is used instead, with a warning', async () => {
  const program = compare(['--models', 'epoll', '--out', await folder()], { env: await bare() });
  await until(() => program.stderr.includes('comparing'), 'the comparison begins');
  program.signal('SIGINT');
  expect(await ended(program), program.stderr).toBe(130);
  expect(program.stderr).toMatch(/wrk is not installed .*: using autocannon instead/);
});

test('Ctrl-C: the children end, and the results so far are kept and marked as incomplete', async () => {
  const out = await folder();
  // All children inherit this variable, by which the test finds them.
  const env = { TMPDIR: out };
  const program = compare(['--models', 'epoll', '--parameters', 'clients', '--seconds', '0.2', '--out', out], { env });
  // When the second setting starts, the first one has been measured.
  await settled(() => (program.stderr.match(/the baseline|clients at 1/g)?.length ?? 0) > 1);
  program.signal('SIGINT');
  expect(await ended(program), program.stderr).toBe(130);
  const found = await resultIn(out);
  expect(found.incomplete).toBe('interrupted');
  expect(found.rows.some(({ rounds }) => rounds.length > 0)).toBe(true);
  expect(program.stdout).toContain('INCOMPLETE: interrupted');
  expect(await leftBehind(out), 'servers and generators').toEqual([]);
});

/** The command lines of processes that have their temporary files in a folder. */
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

test('a result with the former names of its fields is readable', async () => {
  const former = JSON.stringify(result())
    .replaceAll('"parameter":"baseline"', '"dial":"middle"')
    .replaceAll('"parameter"', '"dial"')
    .replaceAll('"variations"', '"turns"')
    .replaceAll('"response"', '"answer"')
    .replaceAll('"badResponses"', '"badAnswers"')
    .replaceAll('"otherShare"', '"strangerShare"');
  const out = await folder({ 'former.json': former });
  expect(await readResult(join(out, 'former.json'))).toEqual(result());
});

test('--from writes the report of a stored result, if it has the current schema', async () => {
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
    ['b.json', /b\.json is not a comparison result with schema 1/],
    ['c.json', /cannot read .*c\.json: .*JSON/],
    ['d.json', /cannot read .*d\.json: ENOENT/],
  ] as const) {
    const { exit, stderr } = await runCommand(['compare', '--from', join(out, name), '--out', out]);
    expect([exit, stderr]).toEqual([1, expect.stringMatching(message)]);
  }
});

describe('mistakes', () => {
  let usedPort = 0;
  beforeAll(async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    usedPort = typeof address === 'object' && address !== null ? address.port : 0;
    return () => void server.close();
  });

  test.each([
    [['--models', 'epoll,magic'], `unknown model "magic": choose from ${MODEL_NAMES.join(', ')}`],
    [['--models', ''], 'unknown model ""'],
    [['--parameters', 'volume'], `unknown parameter "volume": choose from ${PARAMETER_NAMES.join(', ')}`],
    [['--against', 'apache'], `unknown peer "apache": choose from ${PEER_NAMES.join(', ')}`],
    [['--quick', '--full'], '--quick and --full conflict: use one of them'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100, not "0"'],
    [['--seconds', 'long'], '--seconds must be a number from 0.1 to 60, not "long"'],
    [['--port', '70000'], '--port must be a whole number from 0 to 65535'],
    [['--out', ''], '--out needs a value'],
    [['--loud'], 'unknown flag --loud'],
    [['more'], 'unexpected argument "more": compare takes flags only'],
  ])('%j is rejected with one line and exit code 2', async (args, message) => {
    const { exit, stdout, stderr } = await runCommand(['compare', ...args]);
    expect([exit, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^epoll-server: [^\n]+\n$/);
  });

  test('a port in use or an unwritable folder is one line and exit code 1', async () => {
    const path = await folder({ 'a-file': '' });
    const busy = await runCommand(['compare', '--port', `${usedPort}`, '--out', path]);
    expect([busy.exit, busy.stdout]).toEqual([1, '']);
    expect(busy.stderr).toMatch(/^epoll-server: cannot listen on port \d+: .*EADDRINUSE.*--port\)\n$/);
    const blocked = await runCommand(['compare', '--out', join(path, 'a-file', 'results')]);
    expect([blocked.exit, blocked.stdout]).toEqual([1, '']);
    expect(blocked.stderr).toMatch(/^epoll-server: cannot write results to .*a-file.*ENOTDIR.*--out\)\n$/);
  });

  test('no load generator at all: one line and exit code 1', async () => {
    // A copy of this package without autocannon beside it.
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
      /wrk is not installed .*, and autocannon is not installed either \(npm install autocannon\)/,
    );
  });
});

test('the help lists models, parameters and peers', async () => {
  const program = compare(['--help']);
  expect(await program.ended()).toBe(0);
  for (const name of [...MODEL_NAMES, ...PARAMETER_NAMES, ...PEER_NAMES]) expect(program.stdout).toContain(name);
});
