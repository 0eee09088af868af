// The result of a comparison as it is stored: every measurement, and the facts needed to judge them. `compare --from`
// and `npm run compare:docs` read it again.

import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EpollServerError, messageOf } from '../../errors.ts';
import type { Machine } from './machine.ts';
import type { Variation } from './parameters.ts';
import type { ComparisonPlan } from './plan.ts';
import type { Figures } from './trial.ts';

/** Increases when a reader of the file would have to change. */
export const SCHEMA = 1;

/** A contender at one position of a parameter. */
export interface Row extends Variation {
  readonly contender: string;
  /** One for each round that was measured. */
  readonly rounds: readonly Figures[];
  /** Why rounds are missing; empty if none is. */
  readonly problem: string;
}

export interface Entry {
  readonly name: string;
  readonly kind: 'model' | 'peer';
  readonly version: string;
  /** Shares of a processor without any connection, one for each round. */
  readonly rest: readonly number[];
  /** The largest number of concurrent clients, at most `plan.mostClients`; null: not measured. */
  readonly most: number | null;
}

export interface ComparisonResult {
  readonly schema: typeof SCHEMA;
  /** ISO 8601, when it began. */
  readonly date: string;
  readonly seconds: number;
  /** The command line. */
  readonly command: string;
  /** Why parts of the plan were not measured; empty if all were. */
  readonly incomplete: string;
  readonly plan: ComparisonPlan;
  readonly machine: Machine;
  readonly load: { readonly name: string; readonly version: string };
  /** The program that counted the system calls: `perf`, `strace` or empty. */
  readonly counters: string;
  readonly entries: readonly Entry[];
  readonly rows: readonly Row[];
  /** What was skipped and why, and what makes the figures doubtful. */
  readonly warnings: readonly string[];
}

/** @throws EpollServerError `ERR_COMPARISON` when the folder is not writable. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EpollServerError(
      'ERR_COMPARISON',
      `cannot write results to ${folder}: ${messageOf(error)} (choose another folder with --out)`,
      { cause: error },
    );
  }
}

/** The base name of the files of a result: `2026-11-21T10-00-00`. */
export function nameOf({ date }: Pick<ComparisonResult, 'date'>): string {
  return date.slice(0, 19).replaceAll(':', '-');
}

/**
 * Writes the result and its report, and makes the report the index of the folder; resolves to their paths.
 * @throws EpollServerError `ERR_COMPARISON`.
 */
export async function writeResult(
  folder: string,
  result: ComparisonResult,
  report: string,
): Promise<{ readonly json: string; readonly html: string }> {
  const name = nameOf(result);
  const [json, html, link] = [`${name}.json`, `${name}.html`, `.index.${process.pid}`].map((file) =>
    join(folder, file),
  );
  try {
    await writeFile(json ?? '', `${JSON.stringify(result, null, 1)}\n`);
    await writeFile(html ?? '', report);
    // A link: a deleted report is no longer served. The rename keeps an index in place at every moment.
    await rm(link ?? '', { force: true });
    await symlink(`${name}.html`, link ?? '');
    await rename(link ?? '', join(folder, 'index.html'));
  } catch (error) {
    throw new EpollServerError('ERR_COMPARISON', `cannot write the results: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { json: json ?? '', html: html ?? '' };
}

/** @throws EpollServerError `ERR_COMPARISON`: not there, not JSON, or of another schema. */
export async function readResult(file: string): Promise<ComparisonResult> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'), withCurrentNames);
  } catch (error) {
    throw new EpollServerError('ERR_COMPARISON', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  if (!isResult(value)) {
    throw new EpollServerError(
      'ERR_COMPARISON',
      `${file} is not a comparison result with schema ${SCHEMA}: run the comparison again`,
    );
  }
  return value;
}

/** The names that results had before they were renamed, without a change of meaning. */
const FORMER_NAMES = {
  dial: 'parameter',
  turns: 'variations',
  answer: 'response',
  badAnswers: 'badResponses',
  strangerShare: 'otherShare',
};

/** A reviver for `JSON.parse`: results with the former names stay readable. */
function withCurrentNames(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const object: Record<string, unknown> = { ...value };
  for (const [former, name] of Object.entries(FORMER_NAMES)) {
    if (!(former in object)) continue;
    object[name] = object[former] === 'middle' ? 'baseline' : object[former];
    delete object[former];
  }
  return object;
}

function isResult(value: unknown): value is ComparisonResult {
  return (
    typeof value === 'object' &&
    value !== null &&
    'schema' in value &&
    value.schema === SCHEMA &&
    'rows' in value &&
    Array.isArray(value.rows) &&
    'entries' in value &&
    Array.isArray(value.entries)
  );
}
