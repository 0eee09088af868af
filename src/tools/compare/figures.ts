// The charts of a comparison: what each shows, and two sentences on why it looks so.

import { barChart, lineChart, type Series } from './chart.ts';
import type { Turn } from './dials.ts';
import type { ComparisonResult } from './result.ts';
import { digits, duration, MEASURES, type Measure, restSummaryOf, rowOf, type Summary, summarize } from './summary.ts';

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly svg: string;
  readonly text: string;
}

/** Turns of a dial whose positions are numbers, with the middle among them at `middle`. */
function axis(result: ComparisonResult, dial: string, middle: number): readonly (readonly [number, Turn])[] {
  const own = result.plan.turns
    .filter((turn) => turn.dial === dial)
    .map((turn) => [Number(turn.position), turn] as const);
  const centre = result.plan.turns.filter((turn) => turn.dial === 'middle').map((turn) => [middle, turn] as const);
  return [...own, ...centre].sort(([a], [b]) => a - b);
}

function seriesOver(
  result: ComparisonResult,
  turns: readonly (readonly [number, Turn])[],
  measure: Measure,
): readonly Series[] {
  return result.entries
    .map(({ name }) => ({
      name,
      values: turns.map(([, { dial, position }]) => summarize(rowOf(result, name, dial, position), measure)),
    }))
    .filter(({ values }) => values.some((value) => value !== null));
}

interface Curve {
  readonly id: string;
  readonly title: string;
  readonly dial: 'clients' | 'idle';
  readonly measure: Measure;
  readonly yTitle: string;
  readonly format: (value: number) => string;
  readonly isLogarithmic: boolean;
  readonly text: string;
}

const AXES = {
  clients: { middle: 64, title: 'clients that ask all the time' },
  idle: { middle: 0, title: 'idle connections beside 64 busy ones' },
} as const;

const CURVES: readonly Curve[] = [
  {
    id: 'idle-cost',
    title: 'Cost of a request beside idle connections',
    dial: 'idle',
    measure: MEASURES.cpu,
    yTitle: 'CPU µs a request',
    format: digits,
    isLogarithmic: true,
    text: 'select and poll look at every connection each time they wait, and the busy loop asks each of them, so silent clients make everybody’s requests dearer. epoll is told only who is ready: its line stays flat however many others are connected.',
  },
  {
    id: 'throughput',
    title: 'Throughput against clients',
    dial: 'clients',
    measure: MEASURES.perSecond,
    yTitle: 'requests a second',
    format: MEASURES.perSecond.format,
    isLogarithmic: false,
    text: 'With one client the server waits for it between requests; with many there is always somebody ready, and the line rises until a processor is full. A model that stops rising early has no more room: iterative serves one client, a process or thread for each ends at 64.',
  },
  {
    id: 'latency',
    title: 'Latency of the slowest hundredth against clients',
    dial: 'clients',
    measure: MEASURES.p99,
    yTitle: 'p99',
    format: duration,
    isLogarithmic: true,
    text: 'Once the processor is full, every further client waits in line, so latency grows with the number of clients however clever the loop is. What lies far above that line had to wait for something else: for a process to be born, or for its turn in a scan.',
  },
  {
    id: 'memory',
    title: 'Memory against connections',
    dial: 'idle',
    measure: { ...MEASURES.resident, of: ({ residentBytes }) => residentBytes / 2 ** 20 },
    yTitle: 'resident memory, MiB',
    format: digits,
    isLogarithmic: false,
    text: 'An idle connection of a reactor is a few hundred bytes in a table, so a thousand of them hardly show beside the JavaScript engine itself. A process or thread for each client has an engine of its own, and its line ends where no more are allowed.',
  },
];

function curve(result: ComparisonResult, { dial, measure, ...chart }: Curve): readonly Figure[] {
  const turns = axis(result, dial, AXES[dial].middle);
  const series = seriesOver(result, turns, measure);
  if (turns.length < 2 || series.length === 0) return [];
  const positions = turns.map(([position]) => position.toLocaleString('en-US'));
  const svg = lineChart({ ...chart, positions, xTitle: AXES[dial].title, series });
  return [{ id: chart.id, title: chart.title, svg, text: chart.text }];
}

/** Where the time of a request goes, at the middle. */
function timeFigure(result: ComparisonResult): readonly Figure[] {
  const bars = result.entries.flatMap(({ name }) => {
    const row = rowOf(result, name, 'middle', '');
    const [user, kernel] = [
      summarize(row, { ...MEASURES.cpu, of: ({ userUs }) => userUs }),
      summarize(row, { ...MEASURES.cpu, of: ({ systemUs }) => systemUs }),
    ];
    if (user === null || kernel === null) return [];
    const parts = [
      { value: user.median, part: 'program' },
      { value: kernel.median, part: 'kernel' },
    ];
    return [{ name, parts, text: `${digits(user.median)} + ${digits(kernel.median)} µs` }];
  });
  if (bars.length === 0) return [];
  return [
    {
      id: 'time',
      title: 'Where a request’s time goes',
      svg: barChart({ title: 'Processor time of a request, in the program and in the kernel', bars }),
      text: 'The full part of a bar is the program’s own work on a request, the pale part the kernel’s: receiving, sending, waking, and looking for who is ready. One program that serves all clients does about the same however it waits; what differs is how often it has to ask the kernel. A process or thread for each client runs an engine for each, whose code has not become warm yet, and one client alone lets the processor sleep between two requests.',
    },
  ];
}

function bars(result: ComparisonResult, of: (name: string) => Summary | null, format: (value: number) => string) {
  return result.entries.flatMap(({ name }) => {
    const summary = of(name);
    return summary === null
      ? []
      : [{ name, parts: [{ value: summary.median, part: '' }], text: format(summary.median) }];
  });
}

function restFigure(result: ComparisonResult): readonly Figure[] {
  const of = (name: string): Summary | null => {
    const entry = result.entries.find((each) => each.name === name);
    return entry === undefined ? null : restSummaryOf(entry);
  };
  const all = bars(result, of, (share) => `${Math.round(share * 100)} %`);
  if (all.length === 0) return [];
  return [
    {
      id: 'rest',
      title: 'Processor at rest',
      svg: barChart({ title: 'Share of a processor while nobody is connected', bars: all, full: 1 }),
      text: 'Nobody is connected, and a server that waits in the kernel costs nothing. The busy loop asks all the time whether somebody has come, and takes a whole processor to hear that nobody has.',
    },
  ];
}

const OTHERS: Readonly<Record<string, readonly [string, string]>> = {
  connection: [
    'A connection for each request',
    'Every request now begins with accept and ends with close, which costs all of them about the same. Only a process or thread for each client is ruined by it, because each request has to wait for one to be born.',
  ],
  slow: [
    'Beside 50 slow readers',
    'Fifty clients take a large file drop by drop while the others ask for a small one. Who waits for one client at a time stands still until the slowest has what it asked for; a reactor keeps what is unsent and goes on.',
  ],
  'handler sleeps 10 ms': [
    'A handler that waits 10 ms',
    'Waiting needs no processor, so who can serve others meanwhile answers 64 clients in the time of one. Iterative has nobody else to serve: it cannot do more than one answer in ten milliseconds.',
  ],
  'handler burns 5 ms': [
    'A handler that computes 5 ms',
    'Computing does need the processor, and no way of waiting makes it cheaper: a single thread cannot do more than 200 such answers a second. Only processes and threads get further, as far as there are processors.',
  ],
  'file 1 KiB': [
    'A small file',
    'A file of 1 KiB is kept in memory and its answer is a copy, so this looks like the middle without the application. What is left is the price of HTTP and of the system calls.',
  ],
  'file 1 MiB': [
    'A large file',
    'A megabyte an answer is the kernel’s work: it copies from its page cache to the sockets. How the server waits hardly matters any more, and all of them come close together.',
  ],
};

/** What has no numbers to draw a line over: requests a second, a bar for each. */
function otherFigures(result: ComparisonResult): readonly Figure[] {
  return result.plan.turns.flatMap(({ dial, position }) => {
    const [title, text] = OTHERS[`${dial} ${position}`] ?? OTHERS[dial] ?? ['', ''];
    const all = bars(
      result,
      (name) => summarize(rowOf(result, name, dial, position), MEASURES.perSecond),
      (value) => MEASURES.perSecond.format(value),
    );
    if (title === '' || all.length === 0) return [];
    return [
      {
        id: `${dial}-${position}`.replaceAll(/\W+/g, '-'),
        title,
        svg: barChart({ title: `${title}: requests a second`, bars: all }),
        text,
      },
    ];
  });
}

export function figuresOf(result: ComparisonResult): readonly Figure[] {
  return [
    ...CURVES.flatMap((each) => curve(result, each)),
    ...timeFigure(result),
    ...restFigure(result),
    ...otherFigures(result),
  ];
}
