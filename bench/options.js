// The flags of `node bench/bench.js`.

export const CASES = ['plaintext', 'static', 'idle', 'files'];

const HELP = `node bench/bench.js [flags]

Starts each server as a child process, drives it with wrk -t1 -c64 and prints what a request costs.

  --only NAME       one case: ${CASES.join(', ')}
  --rounds N        rounds per server, medians are printed (default 3)
  --seconds N       length of a measured run (default 5; fractions allowed)
  --quick           2-second runs
  --instructions    where perf cannot count: count JavaScript's share with valgrind (a minute or two)
  --save            write bench/results/<date>.json too
  --help            this
`;

class Mistake extends Error {}

/** The options, or null after it has said why the program ends; then process.exitCode is set. */
export function readOptions(args) {
  try {
    const options = parse(args);
    if (!options.help) return options;
    process.stdout.write(HELP);
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    process.stderr.write(`bench: ${error.message} (--help lists the flags)\n`);
    process.exitCode = 2;
  }
  return null;
}

function parse(args) {
  const options = { only: null, rounds: 3, seconds: null, quick: false, instructions: false, save: false, help: false };
  const rest = [...args];
  const value = (flag) => {
    if (rest.length === 0) throw new Mistake(`${flag} needs a value`);
    return rest.shift();
  };
  while (rest.length > 0) {
    const flag = rest.shift();
    if (['--quick', '--instructions', '--save', '--help'].includes(flag)) options[flag.slice(2)] = true;
    else if (flag === '--rounds') options.rounds = number(flag, value(flag), 1, 100, true);
    else if (flag === '--seconds') options.seconds = number(flag, value(flag), 0.1, 600, false);
    else if (flag === '--only') options.only = caseName(value(flag));
    else throw new Mistake(`there is no flag "${flag}"`);
  }
  options.seconds ??= options.quick ? 2 : 5;
  return options;
}

function number(flag, text, min, max, whole) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new Mistake(`${flag} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not "${text}"`);
}

function caseName(name) {
  if (CASES.includes(name)) return name;
  throw new Mistake(`--only must be one of ${CASES.join(', ')}, not "${name}"`);
}
