// The results as text: tables with a pair of figures in each cell, for identical and mixed heads, and the targets.

import { HEADS } from './requests.js';

const OWN = 'epoll-server';

/** Each column: its title, and a function from a summary to text; null: not measured. */
const COLUMNS = [
  ['CPU us', ({ cpuUs }) => cpuUs.toFixed(2)],
  ['user us', ({ userUs }) => userUs.toFixed(2)],
  ['requests/s', ({ perSecond }) => whole(perSecond)],
  ['spread', ({ spread }) => `${(spread * 100).toFixed(0)} %`],
  ['p50 us', ({ p50Us }) => whole(p50Us)],
  ['p99 us', ({ p99Us }) => whole(p99Us)],
  ['syscalls', ({ counters }) => (counters === null ? null : callsOf(counters).toFixed(3))],
  ['instr:u', ({ instructions }) => (instructions === null ? null : whole(instructions))],
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
    cpuUs: median(rounds.map(({ userUs, systemUs }) => userUs + systemUs)),
    instructions: rounds[0].instructions === null ? null : of('instructions'),
    checked: rounds.reduce((sum, round) => sum + round.checked, 0),
    counters,
  };
}

function callsOf({ recv, send, wait, accept, registrationsPerRequest }) {
  return recv + send + wait + accept + registrationsPerRequest;
}

/** `first | second`, or `-` if one of them was not measured. */
function pair(first, second) {
  return first === null || second === null ? '-' : `${first} | ${second}`;
}

function ratioText(ratio) {
  return ratio.toFixed(2);
}

/** Aligns the columns of lines of cells, the first to the left. */
export function align(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const pad = (cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]));
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

/** A row for each server: its figures with identical | mixed heads, and the ratio of processor time. */
export function table(caseName, rows) {
  const head = [`${caseName}, identical | mixed`, 'mixed/identical', ...COLUMNS.map(([title]) => title)];
  const lines = rows.map(([name, { identical, mixed }]) => [
    name,
    ratioText(mixed.cpuUs / identical.cpuUs),
    ...COLUMNS.map(([, show]) => pair(show(identical), show(mixed))),
  ]);
  return align([head, ...lines]);
}

export function callLines(rows) {
  const lines = rows.flatMap(([name, row]) => HEADS.map((heads) => [`${name}, ${heads} heads`, row[heads].counters]));
  return lines
    .filter(([, counters]) => counters !== null)
    .map(
      ([name, c]) =>
        `${name}: per request recv ${c.recv.toFixed(4)}, send ${c.send.toFixed(4)}, wait ${c.wait.toFixed(4)}, ` +
        `registrations ${c.registrationsPerRequest.toFixed(4)}; per connection registrations ${c.registrationsPerConnection.toFixed(3)}\n`,
    )
    .join('');
}

/** Medians over the rounds of each server, with identical and mixed heads. */
export function idleText(idle) {
  const rows = Object.entries(idle).map(([name, rounds]) => {
    const of = (heads, key) => median(rounds.map((round) => round[heads][key]));
    const both = (key, show) => pair(...HEADS.map((heads) => show(of(heads, key))));
    const heap = rounds[0].heapBytes === null ? '-' : whole(median(rounds.map(({ heapBytes }) => heapBytes)));
    const us = (value) => value.toFixed(2);
    return [
      name,
      ...[both('withoutUs', us), both('withUs', us), both('change', percent), both('drift', percent)],
      ...[whole(median(rounds.map(({ bytes }) => bytes))), heap],
    ];
  });
  const columns = ['without, us', 'with, us', 'change', 'drift without', 'bytes per idle connection', 'of JavaScript'];
  const { held } = Object.values(idle)[0][0];
  return (
    `CPU per request with ${whole(held)} idle keep-alive connections\n` +
    align([['identical | mixed', ...columns], ...rows])
  );
}

/** The cost per request of each server and case by heads, and the medians of the rounds' ratios to nginx. */
function fileRows({ cases }) {
  return cases.map(({ name, limit, instructionLimit = null, rounds }) => {
    const servers = Object.keys(rounds[0].identical);
    const of = (server, heads, key) => median(rounds.map((round) => round[heads][server][key]));
    const ratio = (heads) =>
      servers.includes('nginx') ? median(rounds.map(({ [heads]: round }) => round[OWN].us / round.nginx.us)) : null;
    return { name, limit, instructionLimit, servers, of, ratio };
  });
}

export function filesText(files) {
  const lines = fileRows(files).flatMap(({ name, servers, of, ratio }) =>
    servers.map((server) => {
      const both = (key, show) => pair(...HEADS.map((heads) => show(of(server, heads, key))));
      const us = (value) => value.toFixed(2);
      const [identical, mixed] = HEADS.map(ratio);
      return [
        name,
        server,
        ratioText(of(server, 'mixed', 'us') / of(server, 'identical', 'us')),
        ...[both('us', us), both('userUs', us), both('perSecond', whole)],
        server === OWN && identical !== null ? pair(ratioText(identical), ratioText(mixed)) : '',
      ];
    }),
  );
  const columns = ['server', 'mixed/identical', 'CPU us', 'user us', 'requests/s', "of nginx's CPU"];
  return `files, compared with nginx with open_file_cache and sendfile\n${align([['identical | mixed', ...columns], ...lines])}`;
}

function fileTargets(files, target, lines) {
  const rows = fileRows(files);
  for (const { name, limit, instructionLimit, ratio } of rows) {
    const [identical, mixed] = HEADS.map(ratio);
    if (identical === null) continue;
    const figures = `${identical.toFixed(3)}; ${mixed.toFixed(3)} with mixed heads`;
    if (limit !== null)
      target(`${name}: at most ${limit} of nginx's CPU time per request`, figures, identical <= limit);
    if (instructionLimit !== null) {
      const text = `${name}: at most ${instructionLimit} of nginx's instructions per request`;
      lines.push(`  -       ${text}: not counted (npm run bench:emulated counts them); CPU time: ${figures}\n`);
    }
  }
  const costOf = (name) => rows.find((row) => row.name === name)?.of(OWN, 'identical', 'us') ?? Number.NaN;
  const [whole200, whole304] = [costOf('1 KiB file'), costOf('304 of the 1 KiB file')];
  const both = `${whole304.toFixed(2)} and ${whole200.toFixed(2)} us`;
  target('304 costs no more than 200 of the 1 KiB file', both, whole304 <= whole200);
  target('a slow reader of 1 GiB: at most 1 MiB more resident', whole(files.slowGrowth), files.slowGrowth <= 2 ** 20);
}

/** The ratio to node:http of plaintext requests per CPU-second, for each round; null where a server did not run. */
export function ratiosOf(rounds, heads) {
  const http = rounds.get('node:http')?.[heads] ?? [];
  const of = (name) => {
    const figures = rounds.get(name)?.[heads] ?? [];
    if (figures.length === 0 || http.length === 0) return null;
    return median(figures.map((round, i) => round.perCpuSecond / http[i].perCpuSecond));
  };
  return { own: of(OWN), floor: of('C floor'), nginx: of('nginx') };
}

/** Each target with its figure. */
export function targets(results) {
  const lines = [];
  const target = (text, figure, isMet) => lines.push(`  ${isMet ? 'met   ' : 'missed'}  ${text}: ${figure}\n`);
  const own = results.cases.plaintext?.[OWN];
  const http = results.cases.plaintext?.['node:http'];
  if (own !== undefined) {
    instructionTarget(own, results.replay, target, lines);
    callTargets(own, target);
    if (http !== undefined) ratioTarget(own, http, results.ratios, target);
  }
  if (results.idle[OWN] !== undefined) idleTargets(results.idle[OWN], target);
  if (results.files !== null) fileTargets(results.files, target, lines);
  return lines.length === 0 ? '' : `targets (medians)\n${lines.join('')}`;
}

/** Checks the system calls of both heads together. */
function callTargets(own, target) {
  const counters = HEADS.map((heads) => own[heads].counters);
  const show = (key, digits) => counters.map((each) => each[key].toFixed(digits)).join(' | ');
  const isOne = (key) => counters.every((each) => Math.abs(each[key] - 1) < 0.0005);
  target(
    'exactly one recv and one send per request',
    `${show('recv', 4)} and ${show('send', 4)}`,
    isOne('recv') && isOne('send'),
  );
  target(
    'one registration per connection, none per request',
    `${show('registrationsPerConnection', 3)} and ${show('registrationsPerRequest', 4)}`,
    isOne('registrationsPerConnection') && counters.every((each) => each.registrationsPerRequest === 0),
  );
}

function ratioTarget(own, http, { identical, mixed }, target) {
  const others = Object.entries({ 'the C floor': identical.floor, nginx: identical.nginx })
    .filter(([, ratio]) => ratio !== null)
    .map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`);
  const reached = others.length === 0 ? '' : `; ${others.join(', ')} (the kernel's share is the same for all)`;
  const user = `; of user time alone, ${(http.identical.userUs / own.identical.userUs).toFixed(1)}`;
  const figure = `${identical.own.toFixed(2)}, with mixed heads ${mixed.own.toFixed(2)}${reached}${user}`;
  target("at least 4 times node:http's requests per CPU-second", figure, identical.own >= 4);
}

function idleTargets(rounds, target) {
  const [identical, mixed] = HEADS.map((heads) => median(rounds.map((round) => round[heads].change)));
  const bytes = median(rounds.map((round) => round.bytes));
  const text = `${whole(rounds[0].held)} idle connections change a request's cost by at most 5 %`;
  target(text, `${percent(identical)}; ${percent(mixed)} with mixed heads`, identical <= 0.05);
  target(
    'at most 512 bytes per idle connection',
    `${whole(bytes)} (resident, without the kernel's socket)`,
    bytes <= 512,
  );
}

function instructionTarget({ identical, mixed }, replay, target, lines) {
  const text = 'at most 4,000 user instructions per request';
  const counts = replay ?? [identical.instructions, mixed.instructions];
  if (counts[0] === null) {
    const how = "perf cannot here; --instructions counts JavaScript's share with valgrind";
    lines.push(`  -       ${text}: not counted (${how})\n`);
    return;
  }
  const share = replay === null ? '' : " (JavaScript's share on a replay kernel, without the addon)";
  target(text, `${whole(counts[0])}; ${whole(counts[1])} with mixed heads${share}`, counts[0] <= 4000);
}
