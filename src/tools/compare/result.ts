// The result of a comparison as it is kept: every measurement, and what is needed to judge them. It is written beside
// its report, and read again by whoever draws it.

import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EpollServerError, messageOf } from '../../errors.ts';
import type { Turn } from './dials.ts';
import type { Machine } from './machine.ts';
import type { ComparisonPlan } from './plan.ts';
import type { Figures } from './trial.ts';

/** Goes up when a reader of the file would have to change. */
export const SCHEMA = 1;

/** A contender at one position of a dial. */
export interface Row extends Turn {
  readonly contender: string;
  /** One for each round that was measured. */
  readonly rounds: readonly Figures[];
  /** Why there are none, or fewer: empty if nothing was wrong. */
  readonly problem: string;
}

export interface Entry {
  readonly name: string;
  readonly kind: 'model' | 'peer';
  readonly version: string;
  /** Shares of a processor while nobody is connected, one a round. */
  readonly rest: readonly number[];
  /** How many clients it took at once, of `plan.mostClients` that came; null: not measured. */
  readonly most: number | null;
}

export interface ComparisonResult {
  readonly schema: typeof SCHEMA;
  /** ISO 8601, when it began. */
  readonly date: string;
  readonly seconds: number;
  /** As it was typed. */
  readonly command: string;
  /** Empty when everything that was planned was measured. */
  readonly incomplete: string;
  readonly plan: ComparisonPlan;
  readonly machine: Machine;
  readonly load: { readonly name: string; readonly version: string };
  /** `perf`, `strace` or empty: what counted the system calls. */
  readonly counters: string;
  readonly entries: readonly Entry[];
  readonly rows: readonly Row[];
  /** What was left out and why, and what makes figures doubtful. */
  readonly warnings: readonly string[];
}

/** @throws EpollServerError `ERR_COMPARISON` when nothing can be written there. */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EpollServerError(
      'ERR_COMPARISON',
      `results cannot be written to ${folder}: ${messageOf(error)}: choose another folder with --out`,
      { cause: error },
    );
  }
}

/** `2026-11-21T10-00-00`: the name of the files of a result. */
export function nameOf({ date }: Pick<ComparisonResult, 'date'>): string {
  return date.slice(0, 19).replaceAll(':', '-');
}

/**
 * Writes the result and its report, which becomes the folder's index; returns their paths.
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
    // A link, so that a report that is removed is not served any more; renamed, so that there is always one.
    await rm(link ?? '', { force: true });
    await symlink(`${name}.html`, link ?? '');
    await rename(link ?? '', join(folder, 'index.html'));
  } catch (error) {
    throw new EpollServerError('ERR_COMPARISON', `the results cannot be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { json: json ?? '', html: html ?? '' };
}

/** @throws EpollServerError `ERR_COMPARISON`: not there, not JSON, or of another schema. */
export async function readResult(file: string): Promise<ComparisonResult> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new EpollServerError('ERR_COMPARISON', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  if (!isResult(value)) {
    throw new EpollServerError(
      'ERR_COMPARISON',
      `${file} is no result of a comparison with schema ${SCHEMA}: compare again`,
    );
  }
  return value;
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
