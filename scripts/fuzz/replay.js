// Failures of a fuzz run: printed with their inputs, written to a file, and replayed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from './client.js';
import { bytesOf, drawScript, LOAD, randomOf } from './scripts.js';
import { SERVERS } from './servers.js';
import { Subject } from './subject.js';
import { makeTestSite } from './test-site.js';

const FOLDER = fileURLToPath(new URL('../../build/fuzz/', import.meta.url));
const MAX_SHOWN = 5;
const MAX_SHOWN_BYTES = 400;

/** Escapes bytes for a terminal, and shortens them in the middle. */
function escaped(text) {
  const half = MAX_SHOWN_BYTES / 2;
  const isLong = text.length > MAX_SHOWN_BYTES;
  const shown = isLong ? `${text.slice(0, half)} ... ${text.length - 2 * half} bytes ... ${text.slice(-half)}` : text;
  const code = (letter) => `\\u00${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return JSON.stringify(shown).replaceAll(/[\x7f-\xff]/g, code);
}

/** One line: how a client behaves, and what it sends. */
function lineOf({ number, isValid, reading, ending, stayMs, steps }) {
  const ways = `${isValid ? 'valid' : 'hostile'}, reads ${reading}, ends: ${ending}${stayMs > 0 ? ` after ${stayMs} ms` : ''}`;
  return `${number} (${ways}): ${escaped(bytesOf({ steps }))}`;
}

/** Prints a failure and stores its input. */
export function reportFailure(seed, failure) {
  const { server, check, text, inputs } = failure;
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${seed}-${server}-${check}.json`);
  writeFileSync(file, JSON.stringify({ seed, ...failure }));
  process.stdout.write(`FAILED: ${check} of ${server}, seed ${seed}: ${text}\n`);
  for (const { script } of inputs.slice(-MAX_SHOWN)) process.stdout.write(`  ${lineOf(script)}\n`);
  process.stdout.write(`  replay: npm run fuzz -- --replay ${file}\n`);
}

/**
 * Starts the server of a failure and sends its input again, each script at its original time. Returns the exit code.
 */
export async function replay(file) {
  const { server: name, command, check, text, inputs } = JSON.parse(readFileSync(file, 'utf8'));
  const server = command === undefined ? SERVERS.find((each) => each.name === name) : { name, command, sites: [] };
  if (server === undefined) {
    process.stderr.write(`${file}: unknown server "${name}"\n`);
    return 2;
  }
  process.stdout.write(`${name} failed in ${check}: ${text}\n`);
  const testSite = makeTestSite();
  const subject = new Subject(server, testSite);
  try {
    await subject.started();
    subject.serves();
    const before = { cpuSeconds: subject.cpuSeconds(), ...subject.descriptors() };
    const begin = inputs[0]?.atMs ?? 0;
    const problems = await Promise.all(inputs.map(({ atMs, script }) => playLater(subject, script, atMs - begin)));
    const after = { cpuSeconds: subject.cpuSeconds(), ...subject.descriptors() };
    process.stdout.write(
      `now: ${(after.cpuSeconds - before.cpuSeconds).toFixed(2)} s of processor time, ` +
        `${Math.round(subject.peakBytes() / 2 ** 20)} MiB peak, ${after.sockets - before.sockets} more sockets\n`,
    );
    const output = [...problems.filter((each) => each !== ''), ...subject.unexpected, subject.end].filter(Boolean);
    for (const line of output) process.stdout.write(`  ${line}\n`);
    return output.length > 0 ? 1 : 0;
  } finally {
    await subject.stop();
    testSite.remove();
  }
}

async function playLater(subject, script, ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  const client = new Client(script, subject.port);
  await client.play();
  return client.problem;
}

/** Prints the first `count` scripts of each server without starting it. */
export function show({ seed, servers }, count) {
  for (const { name, sites } of servers) {
    const source = randomOf(seed, name).fork(LOAD);
    for (let number = 0; number < count; number++) {
      process.stdout.write(`${name} ${lineOf(drawScript(source, number, sites))}\n`);
    }
  }
}
