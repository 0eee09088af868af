// Handshakes of TLS that clients begin and never finish. Other clients must get right responses, and while the handshakes
// are held, within twice their usual p99. While they arrive, each costs the server a signature, and others compete with
// them: that p99 is shown.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeSite, Target } from './target.js';

const COUNT = 5_000;
const ROUNDS = 3;
const MEASURED_MS = 3_000;
const MAX_RATIO = 2;
/** What the scheduler of a machine adds to one of a hundred requests. */
const SLACK_MS = 5;
/** In the processor time of the server, to which other processes add little. */
const SERVER_SLACK_MS = 0.5;
/** A connection that is kept may wait for a handshake on a slow machine. */
const FLAGS = ['--tls-self-signed', '--keep-alive-timeout-ms', '60000'];
const SHOWN_PROBLEMS = 5;
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

const PHASES = ['usual', 'during', 'held'];
const KINDS = { kept: 'kept', new: 'new', keptServer: 'kept, in processor time of the server' };

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

function isWithin(rounds, kind, slackMs) {
  const allowed = MAX_RATIO * median(rounds.map(({ usual }) => usual[kind])) + slackMs;
  return median(rounds.map(({ held }) => held[kind])) <= allowed;
}

async function halfOpen() {
  const site = makeSite();
  const env = { XDG_DATA_HOME: join(site.folder, 'data') };
  const target = await Target.start(site.root, { flags: FLAGS, env });
  const [client, attacker] = [new Child(CLIENT, target.port, target.pid), new Child(ATTACKER, target.port)];
  try {
    await client.ask(`measure ${MEASURED_MS}`);
    const rounds = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push(await round(client, attacker));
    const wrong = rounds.flatMap((each) =>
      PHASES.flatMap((name) => each[name].wrong.map((text) => `${name}, ${text}`)),
    );
    const isServed = ['kept', 'new'].every((kind) => isWithin(rounds, kind, SLACK_MS));
    const isPrompt = isWithin(rounds, 'keptServer', SERVER_SLACK_MS);
    const times = Object.entries(KINDS).map(
      ([kind, text]) => `${text}: ${PHASES.map((name) => phaseText(name, rounds, kind)).join(', ')}`,
    );
    // Each was the last for a while, so none may be closed before the server has answered.
    const isBegun = rounds.every(({ opened }) => opened === COUNT);
    const isRight = target.isAlive && wrong.length === 0 && isServed && isPrompt && isBegun;
    const counts = `of ${COUNT} handshakes ${median(rounds.map(({ opened }) => opened))} begun, ${median(rounds.map(({ open }) => open))} still held at the end`;
    const text = `p99 in ms of requests on connections that are ${times.join('; ')}; ${wrong.length} wrong responses; ${counts}`;
    return { isRight, text: [text, ...wrong.slice(0, SHOWN_PROBLEMS)].join('\n       ') };
  } finally {
    client.end();
    attacker.end();
    await target.stop();
    site.remove();
  }
}

export const HALF_OPEN = [{ name: `${COUNT} handshakes that no client finishes`, run: halfOpen }];
