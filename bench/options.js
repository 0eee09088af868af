// The flags of `node bench/bench.js`.

export const CASES = ['plaintext', 'static', 'idle', 'files'];
const SERVERS = ['epoll-server', 'C floor', 'nginx', 'node:http'];

const HELP = `node bench/bench.js [flags]

Starts this server, node:http, nginx and a C loop without a parser as child processes, loads each with wrk -t8 -c64 and
prints the cost of a request: with identical heads, as a load generator sends them, and with mixed heads. Mixed heads are
those of eight recorded clients (bench/clients.js) with different cookies and varying targets. Files other than those of
1 KiB are compared with nginx only. A full run takes half an hour, with --quick a third of that.

  --only NAME       one case: ${CASES.join(', ')}
  --server NAME     one server of the cases plaintext, static and idle: ${SERVERS.join(', ')}
  --rounds N        rounds per server, medians are printed (default 3)
  --seconds N       length of a measured run (default 5; fractions allowed)
  --quick           2-second runs
  --instructions    without perf, count JavaScript's share with valgrind (a minute or two)
  --save            write bench/results/<date>.json too
  --help            show this text
`;

class UsageError extends Error {}

/** Returns the options; null, with process.exitCode set, after printing the help or an error. */
export function readOptions(args) {
  try {
    const options = parse(args);
    if (!options.help) return options;
    process.stdout.write(HELP);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message} (--help lists the flags)\n`);
    process.exitCode = 2;
  }
  return null;
}

function parse(args) {
  const options = {
    only: null,
    server: null,
    rounds: 3,
    seconds: null,
    quick: false,
    instructions: false,
    save: false,
    help: false,
  };
  const rest = [...args];
  const value = (flag) => {
    if (rest.length === 0) throw new UsageError(`${flag} needs a value`);
    return rest.shift();
  };
  while (rest.length > 0) {
    const flag = rest.shift();
    if (['--quick', '--instructions', '--save', '--help'].includes(flag)) options[flag.slice(2)] = true;
    else if (flag === '--rounds') options.rounds = number(flag, value(flag), 1, 100, true);
    else if (flag === '--seconds') options.seconds = number(flag, value(flag), 0.1, 600, false);
    else if (flag === '--only') options.only = oneOf(flag, CASES, value(flag));
    else if (flag === '--server') options.server = oneOf(flag, SERVERS, value(flag));
    else throw new UsageError(`unknown flag "${flag}"`);
  }
  options.seconds ??= options.quick ? 2 : 5;
  return options;
}

function number(flag, text, min, max, whole) {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new UsageError(`${flag} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not "${text}"`);
}

function oneOf(flag, names, name) {
  if (names.includes(name)) return name;
  throw new UsageError(`${flag} must be one of ${names.join(', ')}, not "${name}"`);
}
