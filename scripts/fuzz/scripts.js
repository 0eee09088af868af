// The scripts of the clients of a fuzz run: plain data, drawn from a seed. The same seed gives the same bytes, whatever
// the server does. Texts are Latin-1.

import { Random } from '../../build/modules/testing/random.js';
import { drawGarbage } from '../../build/modules/testing/scenario/garbage.js';
import { CASES } from '../../build/modules/tools/conformance/cases.js';
import { filledIn } from '../../build/modules/tools/conformance/target.js';
import { drawHeavy, mutate } from './mutations.js';
import { drawRequest, serialize } from './requests.js';

const MAX_PIPELINED = 50;
const MAX_SCRIPT_BYTES = 400_000;
const MAX_PIECES = 40;
const MAX_HEADER_BYTES = 16_384;
/** How long a client waits for the response to a costly request, so that its whole cost is measured. */
const COSTLY_MS = 10_000;

/** The bytes of every conformance case: servers have read them in different ways. */
const CORPUS = CASES.filter(({ bytes }) => bytes !== '').map(({ bytes }) =>
  filledIn(bytes, { host: 'fuzz', page: '/' }),
);

/** Forks of a server's random numbers. */
export const [LOAD, COSTS, WARM_UP] = [0, 1, 2];

/** The random numbers of one server, independent of the other servers of the run. */
export function randomOf(seed, name) {
  const part = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) & 0xffff, 0);
  return new Random(seed).fork(part);
}

/**
 * The script of connection `number`, from the random numbers `source`, which stay unchanged. `isValid`: its requests
 * are valid, and `expected` has the expected responses in order (null: not known). `steps`: `{send}`, `{waitMs}`,
 * `{finish}` (FIN). `reading`: `all`, `drip` (byte by byte at first) or `never`. `ending`: after the steps, `complete`
 * (all responses arrived), or `fin` or `reset` after `stayMs`.
 */
export function drawScript(source, number, sites) {
  const random = source.fork(number);
  const share = random.below(100);
  if (share < 40) return validScript(random, number, sites);
  return hostileScript(random, number, textOf(random, share, sites));
}

function validScript(random, number, sites) {
  const count = random.chance(0.5) ? 1 : random.magnitude(1, MAX_PIPELINED);
  const expected = [];
  let text = '';
  while (expected.length < count) {
    const testRequest = drawRequest(random, sites);
    expected.push({ method: testRequest.method, ...testRequest.expected });
    const isFinal = expected.length === count || text.length > MAX_SCRIPT_BYTES / 4;
    text += serialize(random, testRequest, isFinal);
    if (isFinal) break;
  }
  const isPatient = random.chance(0.6);
  const steps = deliver(random, text);
  if (isPatient && random.chance(0.15)) steps.push({ finish: true });
  return { number, isValid: true, expected, steps, ...(isPatient ? patient(random) : impatient(random)) };
}

/** Arbitrary text: mutated requests, heavy ones, or noise. */
function textOf(random, share, sites) {
  if (share < 48) return Array.from({ length: random.magnitude(1, 8) }, () => drawHeavy(random)).join('');
  if (share < 52) {
    const noise = Array.from({ length: random.magnitude(1, 4_000) }, () => String.fromCharCode(random.below(256)));
    return noise.join('');
  }
  if (share < 56) return drawGarbage(random, MAX_HEADER_BYTES, '0.0').bytes.toString('latin1');
  const base = () => (random.chance(0.5) ? random.pick(CORPUS) : serialize(random, drawAny(random, sites), false));
  const count = random.chance(0.5) ? 1 : random.magnitude(1, MAX_PIPELINED);
  const texts = Array.from({ length: count }, base);
  const at = random.below(count);
  texts[at] = mutate(random, texts[at], base());
  return texts.join('');
}

/** Includes requests that break off, after which no response can come. */
function drawAny(random, sites) {
  const testRequest = drawRequest(random, sites);
  return random.chance(0.05) ? { ...testRequest, target: '/breaks' } : testRequest;
}

function hostileScript(random, number, text) {
  const steps = deliver(random, text.slice(0, MAX_SCRIPT_BYTES));
  if (random.chance(0.3)) steps.push({ finish: true });
  return { number, isValid: false, expected: null, steps, ...impatient(random) };
}

/** Splits the text into pieces, with pauses. */
function deliver(random, text) {
  const cuts = random.chance(0.4) ? 0 : random.magnitude(1, MAX_PIECES);
  const cutsAt = Array.from({ length: cuts }, () => random.below(text.length + 1)).sort((a, b) => a - b);
  const steps = [];
  let from = 0;
  for (const at of [...cutsAt, text.length]) {
    if (at > from) steps.push({ send: text.slice(from, at) });
    from = Math.max(from, at);
    if (random.chance(0.2)) steps.push({ waitMs: random.below(6) });
  }
  return steps;
}

function patient(random) {
  return { reading: random.chance(0.1) ? 'drip' : 'all', ending: 'complete', stayMs: 0 };
}

function impatient(random) {
  const reading = random.pick(['all', 'all', 'all', 'drip', 'never']);
  const ending = random.pick(['complete', 'fin', 'reset', 'reset']);
  return {
    reading,
    ending: reading === 'never' && ending === 'complete' ? 'reset' : ending,
    stayMs: random.below(300),
  };
}

/** One heavy request and FIN, so that the server closes the connection when it is done: its cost is measured. */
export function drawCostly(source, number) {
  const random = source.fork(number);
  const steps = [{ send: drawHeavy(random) }, { finish: true }];
  return {
    number,
    isValid: false,
    expected: null,
    steps,
    reading: 'all',
    ending: 'complete',
    stayMs: 0,
    limitMs: COSTLY_MS,
  };
}

/** All bytes that a script sends, with `{port}` not replaced. */
export function bytesOf({ steps }) {
  return steps.map(({ send }) => send ?? '').join('');
}
