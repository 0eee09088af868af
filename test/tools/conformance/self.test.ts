// Tests that this server passes every case through every adapter; continuous integration runs it once for each back end.

import { expect, test } from 'vitest';
import { CASES } from '../../../src/tools/conformance/cases.ts';
import { type CaseResult, examine } from '../../../src/tools/conformance/examine.ts';
import { findTarget } from '../../../src/tools/conformance/target.ts';
import { folder } from '../../support/folder.ts';
import { REPOSITORY, startProgram } from '../../support/program.ts';

const ADAPTERS = ['raw', 'wsgi', 'fetch', 'node'];

/** Splits of one case: at a few places, and at night at every byte. Adapters share the parser, so the others need fewer. */
const FIRST_SPLITS = process.env['NIGHT_TESTS'] === undefined ? 12 : 10_000;
const OTHER_SPLITS = process.env['NIGHT_TESTS'] === undefined ? 3 : 12;

/** What an adapter does in the way of the interface that it stands for, although this server does better elsewhere. */
const CUSTOMS: Readonly<Record<string, readonly string[]>> = {
  // node:http sends 100 Continue before the application is asked, and takes the client's FIN for its end.
  node: ['expect/an-application-that-responds-without-reading', 'ends/fin-behind-a-request-with-a-late-response'],
};

function lines(results: readonly CaseResult[]): readonly string[] {
  return results.map(({ id, verdict, detail }) => `${verdict} ${id}: ${detail}`);
}

test.each(ADAPTERS)(
  'the adapter %s',
  async (adapter) => {
    const root = await folder({ 'page.txt': 'a page\n' });
    const script = `${REPOSITORY}examples/conformance.js`;
    const program = startProgram(process.execPath, [script, '0', root, `--adapter=${adapter}`]);
    const url = await program.announced(/^(http:\S+) serves/m);
    const target = await findTarget(`${url}page.txt`, false, 5_000);
    const results = await examine(target, CASES, {
      maxConnections: 24,
      timeoutMs: 5_000,
      maxDurationMs: 150_000,
      maxSplits: adapter === ADAPTERS[0] ? FIRST_SPLITS : OTHER_SPLITS,
    });
    const customs = CUSTOMS[adapter] ?? [];
    expect(results.filter(({ verdict }) => verdict === 'warned').map(({ id }) => id)).toEqual(customs);
    expect(lines(results.filter(({ verdict }) => verdict === 'failed'))).toEqual([]);
    expect(lines(results.filter(({ verdict }) => verdict === 'skipped'))).toEqual([]);
    expect(program.exit).toBeNull();
  },
  170_000,
);
