// Failures of a fuzz run: told with their inputs, written to a file, and played again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from './client.js';
import { makePlace } from './place.js';
import { bytesOf, drawScript, LOAD, randomOf } from './scripts.js';
import { SERVERS } from './servers.js';
import { Subject } from './subject.js';

const FOLDER = fileURLToPath(new URL('../../build/fuzz/', import.meta.url));
const MAX_SHOWN = 5;
const MAX_SHOWN_BYTES = 400;

/** Bytes as text that a terminal can show, cut in the middle. */
function escaped(text) {
  const half = MAX_SHOWN_BYTES / 2;
  const isLong = text.length > MAX_SHOWN_BYTES;
  const shown = isLong ? `${text.slice(0, half)} ... ${text.length - 2 * half} bytes ... ${text.slice(-half)}` : text;
  const code = (letter) => `\\u00${letter.charCodeAt(0).toString(16).padStart(2, '0')}`;
  return JSON.stringify(shown).replaceAll(/[\x7f-\xff]/g, code);
}

/** One line: how a client behaves, and what it sends. */
function lineOf({ number, isSound, reading, leave, stayMs, steps }) {
  const ways = `${isSound ? 'sound' : 'hostile'}, reads ${reading}, leaves: ${leave}${stayMs > 0 ? ` after ${stayMs} ms` : ''}`;
  return `${number} (${ways}): ${escaped(bytesOf({ steps }))}`;
}

/** Says what failed and keeps its input. */
export function tellFailure(seed, failure) {
  const { server, check, text, inputs } = failure;
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${seed}-${server}-${check}.json`);
  writeFileSync(file, JSON.stringify({ seed, ...failure }));
  process.stdout.write(`FAILED: ${check} of ${server}, seed ${seed}: ${text}\n`);
  for (const { script } of inputs.slice(-MAX_SHOWN)) process.stdout.write(`  ${lineOf(script)}\n`);
  process.stdout.write(`  again: npm run fuzz -- --replay ${file}\n`);
}

/** Starts the server of a failure and sends its input again, each script when it was sent. Returns the exit code. */
export async function replay(file) {
  const { server: name, command, check, text, inputs } = JSON.parse(readFileSync(file, 'utf8'));
  const server = command === undefined ? SERVERS.find((each) => each.name === name) : { name, command, sites: [] };
  if (server === undefined) {
    process.stderr.write(`${file}: there is no server "${name}"\n`);
    return 2;
  }
  process.stdout.write(`${name} failed by ${check}: ${text}\n`);
  const place = makePlace();
  const subject = new Subject(server, place);
  try {
    await subject.started();
    subject.serves();
    const before = { cpuSeconds: subject.cpuSeconds(), ...subject.descriptors() };
    const begin = inputs[0]?.atMs ?? 0;
    const problems = await Promise.all(inputs.map(({ atMs, script }) => playLater(subject, script, atMs - begin)));
    const after = { cpuSeconds: subject.cpuSeconds(), ...subject.descriptors() };
    process.stdout.write(
      `now: ${(after.cpuSeconds - before.cpuSeconds).toFixed(2)} s of processor time, ` +
        `${Math.round(subject.peakBytes() / 2 ** 20)} MiB at most, ${after.sockets - before.sockets} sockets more\n`,
    );
    const said = [...problems.filter((each) => each !== ''), ...subject.unexpected, subject.end].filter(Boolean);
    for (const line of said) process.stdout.write(`  ${line}\n`);
    return said.length > 0 ? 1 : 0;
  } finally {
    await subject.stop();
    place.remove();
  }
}

async function playLater(subject, script, ms) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  const client = new Client(script, subject.port);
  await client.play();
  return client.problem;
}

/** Prints the first `count` scripts of each server; starts nothing. */
export function show({ seed, servers }, count) {
  for (const { name, sites } of servers) {
    const source = randomOf(seed, name).fork(LOAD);
    for (let number = 0; number < count; number++) {
      process.stdout.write(`${name} ${lineOf(drawScript(source, number, sites))}\n`);
    }
  }
}
