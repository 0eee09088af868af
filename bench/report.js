// Figures as text: the table, the idle case, and the promises.

const COLUMNS = [
  'server',
  'requests/s',
  'spread',
  'p50 us',
  'p99 us',
  'user us',
  'system us',
  'req/CPU-s',
  'syscalls',
  'instr:u',
];

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function whole(value) {
  return Math.round(value).toLocaleString('en-US');
}

function percent(value) {
  return `${value >= 0 ? '+' : ''}${(value * 100).toFixed(1)} %`;
}

/** Medians over rounds. */
export function summarize(rounds) {
  const of = (name) => median(rounds.map((round) => round[name]));
  const speeds = rounds.map((round) => round.perSecond);
  const counters = rounds[0].counters === null ? null : {};
  for (const name of Object.keys(rounds[0].counters ?? {}))
    counters[name] = median(rounds.map((round) => round.counters[name]));
  return {
    perSecond: of('perSecond'),
    spread: (Math.max(...speeds) - Math.min(...speeds)) / of('perSecond'),
    p50Us: of('p50Us'),
    p99Us: of('p99Us'),
    userUs: of('userUs'),
    systemUs: of('systemUs'),
    perCpuSecond: of('perCpuSecond'),
    instructions: rounds[0].instructions === null ? null : of('instructions'),
    checked: rounds.reduce((sum, round) => sum + round.checked, 0),
    counters,
  };
}

export function table(rows) {
  const lines = [COLUMNS, ...rows.map(([name, row]) => cells(name, row))];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  return lines.map((line) => `${line.map(pad).join('  ')}\n`).join('');
}

function cells(name, row) {
  const { counters } = row;
  return [
    name,
    whole(row.perSecond),
    `${(row.spread * 100).toFixed(0)} %`,
    whole(row.p50Us),
    whole(row.p99Us),
    row.userUs.toFixed(2),
    row.systemUs.toFixed(2),
    whole(row.perCpuSecond),
    counters === null
      ? '-'
      : (counters.recv + counters.send + counters.wait + counters.accept + counters.registrationsPerRequest).toFixed(3),
    row.instructions === null ? '-' : whole(row.instructions),
  ];
}

export function callLines(rows) {
  return rows
    .filter(([, { counters }]) => counters !== null)
    .map(
      ([name, { counters: c }]) =>
        `${name}: per request recv ${c.recv.toFixed(4)}, send ${c.send.toFixed(4)}, wait ${c.wait.toFixed(4)}, ` +
        `registrations ${c.registrationsPerRequest.toFixed(4)}; per connection registrations ${c.registrationsPerConnection.toFixed(3)}\n`,
    )
    .join('');
}

export function idleText(rounds) {
  const lines = rounds.map(
    (round, i) =>
      `  round ${i + 1}: ${round.withoutUs.toFixed(2)} us of CPU per request without, ${round.withUs.toFixed(2)} with ` +
      `(${percent(round.change)}; the two runs without differ by ${percent(round.drift)}); ` +
      `${whole(round.bytes)} bytes resident per idle connection, ${whole(round.heapBytes)} of them JavaScript's\n`,
  );
  return `idle: ${whole(rounds[0].held)} idle keep-alive connections beside 64 busy ones\n${lines.join('')}`;
}

/** Our cost of a request of each case, nginx's, and the median of the rounds' ratios. */
function fileRows({ cases }) {
  return cases.map(({ name, limit, instructionLimit = null, rounds }) => ({
    name,
    limit,
    instructionLimit,
    ownUs: median(rounds.map(({ own }) => own.us)),
    userUs: median(rounds.map(({ own }) => own.userUs)),
    nginxUs: rounds[0].nginx === null ? null : median(rounds.map(({ nginx }) => nginx.us)),
    ratio: rounds[0].nginx === null ? null : median(rounds.map(({ own, nginx }) => own.us / nginx.us)),
  }));
}

export function filesText(files) {
  const lines = fileRows(files).map(({ name, ownUs, userUs, nginxUs }) => {
    const theirs = nginxUs === null ? '' : `, nginx ${nginxUs.toFixed(2)}`;
    return `  ${name}: ${ownUs.toFixed(2)} us of CPU per request (${userUs.toFixed(2)} in user mode)${theirs}\n`;
  });
  return `files, beside nginx with open_file_cache and sendfile\n${lines.join('')}`;
}

function filePromises(files, promise, lines) {
  const rows = fileRows(files);
  for (const { name, limit, instructionLimit, ratio } of rows) {
    if (ratio === null) continue;
    if (limit !== null)
      promise(`${name}: at most ${limit} of nginx's CPU time per request`, ratio.toFixed(3), ratio <= limit);
    if (instructionLimit !== null) {
      const text = `${name}: at most ${instructionLimit} of nginx's instructions per request`;
      lines.push(`  -       ${text}: npm run bench:emulated counts them; of its CPU time: ${ratio.toFixed(3)}\n`);
    }
  }
  const costOf = (name) => rows.find((row) => row.name === name)?.ownUs ?? Number.NaN;
  const [whole200, whole304] = [costOf('1 KiB file'), costOf('304 of the 1 KiB file')];
  const both = `${whole304.toFixed(2)} and ${whole200.toFixed(2)} us`;
  promise('304 costs no more than 200 of the 1 KiB file', both, whole304 <= whole200);
  promise('a slow reader of 1 GiB: at most 1 MiB more resident', whole(files.slowGrowth), files.slowGrowth <= 2 ** 20);
}

/** Requests per CPU-second in units of node:http's, round by round; null where one did not run. */
export function ratiosOf(rounds) {
  const http = rounds.get('node:http') ?? [];
  const of = (name) => {
    const own = rounds.get(name) ?? [];
    if (own.length === 0 || http.length === 0) return null;
    return median(own.map((round, i) => round.perCpuSecond / http[i].perCpuSecond));
  };
  return { own: of('epoll-server'), floor: of('C floor') };
}

/** Each promise with its figure. */
export function promises(results) {
  const lines = [];
  const promise = (text, figure, kept) => lines.push(`  ${kept ? 'kept  ' : 'missed'}  ${text}: ${figure}\n`);
  const own = results.rows['epoll-server'];
  const http = results.rows['node:http'];
  if (own !== undefined) instructionPromise(own, results.replay, promise, lines);
  if (own !== undefined && http !== undefined) {
    const { recv, send, registrationsPerConnection: perConnection, registrationsPerRequest: perRequest } = own.counters;
    const calls = `${recv.toFixed(4)} and ${send.toFixed(4)}`;
    promise(
      'exactly one recv and one send per request',
      calls,
      Math.abs(recv - 1) < 0.0005 && Math.abs(send - 1) < 0.0005,
    );
    const registrations = `${perConnection.toFixed(3)} and ${perRequest.toFixed(4)}`;
    promise(
      'one registration per connection, none per request',
      registrations,
      Math.abs(perConnection - 1) < 0.0005 && perRequest === 0,
    );
    const { own: ratio, floor } = results.ratios;
    const most =
      floor === null ? '' : `; the C floor reaches ${floor.toFixed(2)}, since the kernel's share is common to all`;
    const user = `; of user time alone, ${(http.userUs / own.userUs).toFixed(1)}`;
    promise("at least 4 times node:http's requests per CPU-second", `${ratio.toFixed(2)}${most}${user}`, ratio >= 4);
  }
  if (results.idle.length > 0) {
    const change = median(results.idle.map((round) => round.change));
    const bytes = median(results.idle.map((round) => round.bytes));
    const many = whole(results.idle[0].held);
    promise(`${many} idle connections change a request's cost by at most 5 %`, percent(change), change <= 0.05);
    promise(
      'at most 512 bytes per idle connection',
      `${whole(bytes)} (resident, without the kernel's socket)`,
      bytes <= 512,
    );
  }
  if (results.files !== null) filePromises(results.files, promise, lines);
  return lines.length === 0 ? '' : `promises (medians)\n${lines.join('')}`;
}

function instructionPromise(own, replay, promise, lines) {
  const text = 'at most 4,000 user instructions per request';
  if (own.instructions !== null) promise(text, whole(own.instructions), own.instructions <= 4000);
  else if (replay !== null) {
    const [identical, mixed] = replay;
    const share = "(JavaScript's share on a replay kernel, without the addon)";
    promise(text, `${whole(identical)}; ${whole(mixed)} with mixed heads ${share}`, identical <= 4000);
  } else {
    lines.push(
      `  -       ${text}: not counted (perf cannot here; --instructions counts JavaScript's share with valgrind)\n`,
    );
  }
}
