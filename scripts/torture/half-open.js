// Handshakes of TLS that clients begin and never finish. While they are held, others must be served within twice their
// usual p99. While they arrive, each costs the server a signature, and others compete with them: that p99 is shown.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeSite, Target } from './target.js';

const COUNT = 5_000;
/** Some may end before the server answers: there may be as many handshakes in progress as `maxHandshakes` says. */
const MIN_BEGUN = 0.9 * COUNT;
const ROUNDS = 3;
const MEASURED_MS = 3_000;
const MAX_RATIO = 2;
/** What the scheduler of a machine adds to one of a hundred requests. */
const SLACK_MS = 5;
const [CLIENT, ATTACKER] = ['secure-client.js', 'half-open-client.js'].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/** A child that replies to each line of input with a line of JSON. */
class Child {
  #waiting = [];

  constructor(program, ...args) {
    this.process = spawn(process.execPath, [program, ...args.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.stdin.on('error', () => {});
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#waiting.shift()?.(JSON.parse(line)));
    this.process.once('exit', () => {
      for (const resolve of this.#waiting.splice(0)) resolve({ error: 'ended' });
    });
  }

  ask(text) {
    const answer = new Promise((resolve) => this.#waiting.push(resolve));
    this.process.stdin.write(`${text}\n`);
    return answer;
  }

  end() {
    this.process.kill('SIGKILL');
  }
}

function median(values) {
  return values.toSorted((one, other) => one - other)[values.length >> 1];
}

/** One round: without handshakes, while they arrive, and while they are held. */
async function round(client, attacker) {
  const usual = await client.ask(`measure ${MEASURED_MS}`);
  const arriving = client.ask(`measure ${MEASURED_MS}`);
  const { opened } = await attacker.ask(`open ${COUNT}`);
  const during = await arriving;
  const held = await client.ask(`measure ${MEASURED_MS}`);
  const { open } = await attacker.ask('close');
  return { usual, during, held, opened, open };
}

function phaseText(name, rounds, kind) {
  return `${name} ${median(rounds.map((each) => each[name][kind])).toFixed(1)}`;
}

function isWithin(rounds, kind) {
  const allowed = MAX_RATIO * median(rounds.map(({ usual }) => usual[kind])) + SLACK_MS;
  return median(rounds.map(({ held }) => held[kind])) <= allowed;
}

async function halfOpen() {
  const site = makeSite();
  const env = { XDG_DATA_HOME: join(site.folder, 'data') };
  const target = await Target.start(site.root, { flags: ['--tls-self-signed'], env });
  const [client, attacker] = [new Child(CLIENT, target.port), new Child(ATTACKER, target.port)];
  try {
    await client.ask(`measure ${MEASURED_MS}`);
    const rounds = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await round(client, attacker));
    const wrong = rounds
      .flatMap(({ usual, during, held }) => [usual, during, held])
      .reduce((sum, each) => sum + each.wrong, 0);
    const kinds = ['kept', 'new'];
    const within = kinds.every((kind) => isWithin(rounds, kind));
    const times = kinds.map(
      (kind) => `${kind}: ${['usual', 'during', 'held'].map((name) => phaseText(name, rounds, kind)).join(', ')}`,
    );
    const isRight = target.isAlive && wrong === 0 && within && rounds.every(({ opened }) => opened >= MIN_BEGUN);
    const text = `p99 in ms of requests on connections that are ${times.join('; ')}; ${wrong} wrong responses; of ${COUNT} handshakes ${median(rounds.map(({ opened }) => opened))} begun, ${median(rounds.map(({ open }) => open))} still held at the end`;
    return { isRight, text };
  } finally {
    client.end();
    attacker.end();
    await target.stop();
    site.remove();
  }
}

export const HALF_OPEN = [{ name: `${COUNT} handshakes that no client finishes`, run: halfOpen }];
