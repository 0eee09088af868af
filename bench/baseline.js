// The committed counts of bench/guard.js, and what a count says beside them.

import { readFileSync, writeFileSync } from 'node:fs';
import { arch } from 'node:process';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('baseline.json', import.meta.url));
/** Repeated counts of the same code differ by at most 1.5 %. */
const TOLERANCE = 0.05;

/** Counts compare with those of the same counter, version of V8 and instruction set only. */
export function baselineKey(kind, version = process.versions.node, architecture = arch) {
  const [major, minor] = version.split('.');
  return `${kind}, Node.js ${major}.${minor}, ${architecture}`;
}

/** Instructions of a request by the name of the workload, for each key; none without the file. Throws on another one. */
export function readBaselines(file = FILE) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return {};
    throw new Error(`${file} cannot be read: ${error.message}`);
  }
}

/** Puts the counts in the place of those of the same key; all others stay. */
export function writeBaseline(key, counts) {
  const entries = Object.entries({ ...readBaselines(), [key]: Object.fromEntries(toEntries(counts)) });
  const sorted = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}

function toEntries(counts) {
  return counts.map(({ name, instructions }) => [name, instructions]);
}

/**
 * Compares counts with a baseline (undefined: there is none). `rises` and `falls` have a line for each workload that
 * left the tolerance, `remark` what else has to be said.
 */
export function compareCounts(counts, baseline, key) {
  if (baseline === undefined) {
    return { rises: [], falls: [], remark: `bench/baseline.json has nothing for ${key}: nothing was compared` };
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
