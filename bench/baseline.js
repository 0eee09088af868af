// The committed counts of bench/guard.js, and the comparison of new counts with them.

import { readFileSync, writeFileSync } from 'node:fs';
import { arch } from 'node:process';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('baseline.json', import.meta.url));
/** Repeated counts of the same code differ by at most 1.5 %. */
const TOLERANCE = 0.05;

/** Counts are comparable only with the same counter, version of V8 and instruction set. */
export function baselineKey(kind, version = process.versions.node, architecture = arch) {
  const [major, minor] = version.split('.');
  return `${kind}, Node.js ${major}.${minor}, ${architecture}`;
}

/**
 * Reads the instructions per request by workload, for each key; an empty object without the file.
 * @throws Error when the file cannot be read or parsed.
 */
export function readBaselines(file = FILE) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw new Error(`cannot read ${file}: ${error.message}`);
  }
}

/** Replaces the counts of the same key; those of other keys stay. */
export function writeBaseline(key, counts) {
  const entries = Object.entries({ ...readBaselines(), [key]: Object.fromEntries(toEntries(counts)) });
  const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}

function toEntries(counts) {
  return counts.map(({ name, instructions }) => [name, instructions]);
}

/**
 * Compares counts with a baseline, or undefined if there is none. `rises` and `falls` have a line for each workload
 * outside the tolerance; `remark` says what was not compared, or is null.
 */
export function compareCounts(counts, baseline, key) {
  if (baseline === undefined) {
    return { rises: [], falls: [], remark: `bench/baseline.json has no counts for ${key}: nothing was compared` };
  }
  const [rises, falls, unknown] = [[], [], []];
  for (const { name, instructions } of counts) {
    const before = baseline[name];
    if (before === undefined) {
      unknown.push(name);
      continue;
    }
    const line = `${name}: ${whole(before)} -> ${whole(instructions)} instructions, ${percent(instructions / before - 1)}`;
    if (instructions > before * (1 + TOLERANCE)) rises.push(line);
    if (instructions < before * (1 - TOLERANCE)) falls.push(line);
  }
  const remark = unknown.length === 0 ? null : `not in the baseline, not compared: ${unknown.join('; ')}`;
  return { rises, falls, remark };
}

function whole(value) {
  return value.toLocaleString('en-US');
}

function percent(change) {
  return `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`;
}
