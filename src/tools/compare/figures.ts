// The charts of a comparison, each with two sentences that explain its shape.

import { barChart, lineChart, type Series } from './chart.ts';
import type { Variation } from './parameters.ts';
import type { ComparisonResult } from './result.ts';
import { digits, duration, MEASURES, type Measure, restSummaryOf, rowOf, type Summary, summarize } from './summary.ts';

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly svg: string;
  readonly text: string;
}

/** The positions of a parameter with numeric positions, and the baseline at `baseline`. */
function axis(
  result: ComparisonResult,
  parameter: string,
  baseline: number,
): readonly (readonly [number, Variation])[] {
  const own = result.plan.variations
    .filter((variation) => variation.parameter === parameter)
    .map((variation) => [Number(variation.position), variation] as const);
  const centre = result.plan.variations
    .filter((variation) => variation.parameter === 'baseline')
    .map((variation) => [baseline, variation] as const);
  return [...own, ...centre].sort(([a], [b]) => a - b);
}

function seriesOver(
  result: ComparisonResult,
  variations: readonly (readonly [number, Variation])[],
  measure: Measure,
): readonly Series[] {
  return result.entries
    .map(({ name }) => ({
      name,
      values: variations.map(([, { parameter, position }]) =>
        summarize(rowOf(result, name, parameter, position), measure),
      ),
    }))
    .filter(({ values }) => values.some((value) => value !== null));
}

interface Curve {
  readonly id: string;
  readonly title: string;
  readonly parameter: 'clients' | 'idle';
  readonly measure: Measure;
  readonly yTitle: string;
  readonly format: (value: number) => string;
  readonly isLogarithmic: boolean;
  readonly text: string;
}

const AXES = {
  clients: { baseline: 64, title: 'busy clients' },
  idle: { baseline: 0, title: 'idle connections beside 64 busy ones' },
} as const;

const CURVES: readonly Curve[] = [
  {
    id: 'idle-cost',
    title: 'Cost of a request with idle connections',
    parameter: 'idle',
    measure: MEASURES.cpu,
    yTitle: 'CPU µs/request',
    format: digits,
    isLogarithmic: true,
    text: 'select and poll examine every connection in each wait, and the busy loop tries each of them, so idle clients make every request more expensive. epoll reports only the ready connections: its line stays flat however many others are open.',
  },
  {
    id: 'throughput',
    title: 'Throughput against clients',
    parameter: 'clients',
    measure: MEASURES.perSecond,
    yTitle: 'requests/s',
    format: MEASURES.perSecond.format,
    isLogarithmic: false,
    text: 'With one client the server waits for it between requests. With many clients one is always ready, and the line rises until a processor is fully used. A line that ends early shows a limit of clients: iterative serves one, and a process or thread for each client ends at 64.',
  },
  {
    id: 'latency',
    title: 'Latency of the slowest hundredth against clients',
    parameter: 'clients',
    measure: MEASURES.p99,
    yTitle: 'p99',
    format: duration,
    isLogarithmic: true,
    text: 'Once the processor is fully used, further clients queue, so latency grows with the number of clients in every model. Points far above that line waited for something else: for a process to start, or for their place in a scan.',
  },
  {
    id: 'memory',
    title: 'Memory against connections',
    parameter: 'idle',
    measure: { ...MEASURES.resident, of: ({ residentBytes }) => residentBytes / 2 ** 20 },
    yTitle: 'resident memory, MiB',
    format: digits,
    isLogarithmic: false,
    text: 'An idle connection of a reactor takes a few hundred bytes in a table, so a thousand of them are small beside the JavaScript engine. A process or thread for each client has an engine of its own, and its line ends at the limit of children.',
  },
];

function curve(result: ComparisonResult, { parameter, measure, ...chart }: Curve): readonly Figure[] {
  const variations = axis(result, parameter, AXES[parameter].baseline);
  const series = seriesOver(result, variations, measure);
  if (variations.length < 2 || series.length === 0) return [];
  const positions = variations.map(([position]) => position.toLocaleString('en-US'));
  const svg = lineChart({ ...chart, positions, xTitle: AXES[parameter].title, series });
  return [{ id: chart.id, title: chart.title, svg, text: chart.text }];
}

/** Where the processor time of a request goes, at the baseline. */
function timeFigure(result: ComparisonResult): readonly Figure[] {
  const bars = result.entries.flatMap(({ name }) => {
    const row = rowOf(result, name, 'baseline', '');
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
      text: 'The solid part of a bar is the program’s own work on a request. The pale part is the kernel’s: receiving, sending, waking, and finding ready sockets. A single process does about the same work in every model; what differs is how often it calls the kernel. A process or thread for each client runs code that is not compiled yet. A single client lets the processor sleep between two requests.',
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
      svg: barChart({ title: 'Share of a processor without any connection', bars: all, full: 1 }),
      text: 'A server that waits in the kernel costs nothing while no client is connected. The busy loop checks for clients all the time and takes a whole processor for it.',
    },
  ];
}

const OTHERS: Readonly<Record<string, readonly [string, string]>> = {
  connection: [
    'A connection for each request',
    'Every request now begins with accept and ends with close, which costs all models about the same. A process or thread for each client suffers most, because each request has to wait for a new one to start.',
  ],
  slow: [
    'With 50 slow readers',
    'Fifty clients read a large file slowly while the others request a small one. A server that waits for one client at a time stalls until the slowest has read its file. A reactor queues the unsent bytes and serves the others.',
  ],
  'handler sleeps 10 ms': [
    'A handler that waits 10 ms',
    'Waiting needs no processor, so a concurrent model serves 64 clients in the time of one. Iterative serves one client at a time: at most one response in ten milliseconds.',
  ],
  'handler burns 5 ms': [
    'A handler that computes 5 ms',
    'Computing needs the processor, and no way of waiting makes it cheaper: a single thread cannot send more than 200 such responses a second. Processes and threads get further, up to the number of processors.',
  ],
  'file 1 KiB': [
    'A small file',
    'A file of 1 KiB is cached in memory and its response is a copy, so this resembles the baseline without the application. What remains is the cost of HTTP and of the system calls.',
  ],
  'file 1 MiB': [
    'A large file',
    'A response of one megabyte is mostly the kernel’s work: it copies from its page cache to the sockets. How the server waits hardly matters, so the models are close together.',
  ],
};

/** A bar chart of requests a second for each variation whose positions are not numbers. */
function otherFigures(result: ComparisonResult): readonly Figure[] {
  return result.plan.variations.flatMap(({ parameter, position }) => {
    const [title, text] = OTHERS[`${parameter} ${position}`] ?? OTHERS[parameter] ?? ['', ''];
    const all = bars(
      result,
      (name) => summarize(rowOf(result, name, parameter, position), MEASURES.perSecond),
      (value) => MEASURES.perSecond.format(value),
    );
    if (title === '' || all.length === 0) return [];
    return [
      {
        id: `${parameter}-${position}`.replaceAll(/\W+/g, '-'),
        title,
        svg: barChart({ title: `${title}: requests/s`, bars: all }),
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
