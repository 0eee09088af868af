// Proves that this server passes every case, through every back end and door that exists.

import { expect, test } from 'vitest';
import { CASES } from '../../src/conformance/cases.ts';
import { examine, type Result } from '../../src/conformance/examine.ts';
import { findTarget } from '../../src/conformance/target.ts';
import { availableBackends } from '../../src/kernel/native-kernel.ts';
import { folder } from '../support/folder.ts';
import { REPOSITORY, startProgram } from '../support/program.ts';

const DOORS = ['raw', 'wsgi', 'fetch'];

/** Cuts of one case: the first door and back end is cut at every byte, the others here and there. */
const EVERY_BYTE = 10_000;
const SOME_BYTES = 12;

function lines(results: readonly Result[]): readonly string[] {
  return results.map(({ id, verdict, detail }) => `${verdict} ${id}: ${detail}`);
}

const COMBINATIONS = availableBackends().flatMap((backend, i) =>
  DOORS.map((door, j) => [backend, door, i + j === 0 ? EVERY_BYTE : SOME_BYTES] as const),
);

test.each(COMBINATIONS)(
  'the back end %s and the door %s',
  async (backend, door, maxSplits) => {
    const root = await folder({ 'page.txt': 'a page\n' });
    const script = `${REPOSITORY}examples/conformance.js`;
    const program = startProgram(process.execPath, [script, '0', root, `--door=${door}`, `--backend=${backend}`]);
    const url = await program.announced(/^(http:\S+) serves/m);
    const target = await findTarget(`${url}page.txt`, false, 5_000);
    const results = await examine(target, CASES, {
      maxConnections: 24,
      timeoutMs: 5_000,
      maxDurationMs: 150_000,
      maxSplits,
    });
    expect(lines(results.filter(({ verdict }) => verdict === 'failed' || verdict === 'warned'))).toEqual([]);
    expect(lines(results.filter(({ verdict }) => verdict === 'skipped'))).toEqual([]);
    expect(program.exit).toBeNull();
  },
  170_000,
);
