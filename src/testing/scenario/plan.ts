// Generates the requests of a simulated client, each with its expected response. The expectation follows from the
// generation, not from parsing the request.

import type { Random } from '../random.ts';
import { contentOfFile, contentOfRequest } from './content.ts';

/** The expected outcome of a request. */
export interface ExpectedOutcome {
  /**
   * `whole`: the complete response. `cut`: it, or its beginning and the end of the connection.
   * `refused`: an error response, and the end. `none`: no bytes at all.
   */
  readonly kind: 'whole' | 'cut' | 'refused' | 'none';
  readonly statuses: readonly number[];
  /** Null: not compared. */
  readonly content: Buffer | null;
  /** Whether the connection ends with it; `may`: both are correct. */
  readonly closes: 'yes' | 'no' | 'may';
  /** Absent: the standard reason phrase. */
  readonly reason?: string;
  /** The number of interim responses 103 before it. Absent: none. */
  readonly hints?: number;
  /** Names in lower case. Absent: none. */
  readonly trailers?: ReadonlyMap<string, string>;
}

/** One request and its outcome. */
export interface PlannedRequest {
  /** The client and the number of the request, as in its target. */
  readonly id: string;
  readonly bytes: Buffer;
  /** The size of its head in bytes. */
  readonly headBytes: number;
  readonly isHead: boolean;
  readonly awaitsContinue: boolean;
  /** The maximum duration of its handler, in milliseconds. */
  readonly takesMs: number;
  readonly outcome: ExpectedOutcome;
}

/** The parameters of generated requests. */
export interface PlanSettings {
  /** The maximum size of requested and sent content, in bytes. */
  readonly maxContentBytes: number;
  readonly maxHandlerMs: number;
  /** A handler that never responds is replaced by a 504 after this time; 0: never. */
  readonly handlerTimeoutMs: number;
  /** The fraction of ordinary requests after whose response the server ends the connection. */
  readonly endingShare: number;
}

interface Draft {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body?: Buffer;
  readonly takesMs?: number;
  readonly mayBeOld?: boolean;
  readonly lines?: readonly string[];
  readonly outcome: Partial<ExpectedOutcome>;
}

type Drafter = (random: Random, settings: PlanSettings, client: number, request: number) => Draft;

const ok = (content: Buffer | null, more: Partial<ExpectedOutcome> = {}): Partial<ExpectedOutcome> => ({
  statuses: [200],
  content,
  ...more,
});

/** A `n`-byte response from `path`. */
const answering =
  (path: string, method = 'GET'): Drafter =>
  (random, settings, client, request) => {
    const length = random.magnitude(1, settings.maxContentBytes + 1) - 1;
    const takesMs = random.magnitude(1, settings.maxHandlerMs);
    const query = `n=${length}&ms=${takesMs}&k=${random.between(1, 6)}`;
    return { method, path, query, takesMs: takesMs * 7, outcome: ok(contentOfRequest(client, request, length)) };
  };

/** A request with a body for `path`. */
const sending =
  (path: string, outcomeOf: (body: Buffer) => Partial<ExpectedOutcome>): Drafter =>
  (random, settings, client, request) => {
    const body = contentOfRequest(client, request, random.magnitude(1, settings.maxContentBytes + 1) - 1);
    const takesMs = random.magnitude(1, settings.maxHandlerMs);
    return { method: 'POST', path, query: `ms=${takesMs}`, body, takesMs, outcome: outcomeOf(body) };
  };

const file =
  (kind: string, folder = '/files'): Drafter =>
  (random, settings) => {
    const length = random.magnitude(1, settings.maxContentBytes * 3);
    const name = `${kind}-${length}.bin`;
    return {
      method: 'GET',
      path: `${folder}/${name}`,
      query: `ms=${random.magnitude(1, settings.maxHandlerMs)}`,
      takesMs: 3_000,
      outcome: ok(contentOfFile(name, length)),
    };
  };

const never = ({ handlerTimeoutMs }: PlanSettings): Draft => {
  const isAnsweredFor = handlerTimeoutMs > 0;
  const outcome = { kind: isAnsweredFor ? 'refused' : 'none', statuses: isAnsweredFor ? [504] : [] } as const;
  return { method: 'GET', path: '/never', query: '', outcome: { ...outcome, closes: 'yes' } };
};

/** Requests after which the connection stays open. Repeated entries are more frequent. */
const ORDINARY: readonly Drafter[] = [
  answering('/now'),
  answering('/now'),
  answering('/now'),
  answering('/later'),
  answering('/later'),
  answering('/stream'),
  answering('/counted'),
  answering('/twice'),
  answering('/late-write'),
  answering('/held'),
  answering('/release'),
  answering('/release'),
  answering('/now', 'HEAD'),
  answering('/stream', 'HEAD'),
  sending('/echo', (body) => ok(body)),
  sending('/echo', (body) => ok(body)),
  sending('/ignore', () => ok(Buffer.from('ignored'), { closes: 'may' })),
  sending('/taste', () => ok(Buffer.from('tasted'), { closes: 'may' })),
  () => ({ method: 'GET', path: '/throws', query: '', outcome: { statuses: [500] } }),
  (random) => ({ method: 'GET', path: '/rejects', query: `ms=${random.between(0, 20)}`, outcome: { statuses: [500] } }),
  () => ({ method: 'GET', path: '/empty', query: '', outcome: { statuses: [204], content: Buffer.alloc(0) } }),
  file('plain'),
  file('plain', '/held-files'),
  file('slow'),
  file('short-reads'),
  () => ({ method: 'GET', path: '/files/missing', query: '', outcome: { statuses: [404] } }),
  () => ({ method: 'GET', path: '/files/exhausted', query: '', outcome: { statuses: [503] } }),
];

/** Requests after which the connection ends. */
const ENDING: readonly Drafter[] = [
  (random, settings, client, request) => {
    const draft = answering('/last')(random, settings, client, request);
    return { ...draft, outcome: { ...draft.outcome, closes: 'yes' } };
  },
  (random, settings, client, request) => {
    const draft = answering('/breaks')(random, settings, client, request);
    return { ...draft, outcome: { ...draft.outcome, kind: 'cut', closes: 'yes' } };
  },
  (random, settings, client, request) => {
    const draft = answering('/aborts')(random, settings, client, request);
    return { ...draft, outcome: { ...draft.outcome, kind: 'cut', closes: 'yes' } };
  },
  (random, settings, client, request) => {
    const draft = answering('/promises-more')(random, settings, client, request);
    return { ...draft, outcome: { ...draft.outcome, kind: 'cut', closes: 'yes' } };
  },
  (random, settings) => {
    const draft = file('shrinks')(random, { ...settings, maxContentBytes: settings.maxContentBytes + 1_000 }, 0, 0);
    return { ...draft, outcome: { ...draft.outcome, kind: 'cut', closes: 'may' } };
  },
  (_random, settings) => never(settings),
];

/** Requests whose responses have interim responses, trailers or other extras. */
const TALKATIVE: readonly Drafter[] = [
  (random, settings, client, request) => {
    const draft = answering('/informs')(random, settings, client, request);
    const hints = random.between(1, 3);
    return { ...draft, query: `${draft.query}&h=${hints}`, outcome: { ...draft.outcome, hints } };
  },
  (random, settings, client, request) => {
    const draft = answering('/reasoned')(random, settings, client, request);
    return { ...draft, outcome: { ...draft.outcome, reason: `Odd ${client}.${request}` } };
  },
  (random, settings, client, request) => {
    const draft = answering('/trailed')(random, settings, client, request);
    const trailers = new Map([
      ['x-id', `${client}.${request}`],
      ['x-other', 'two'],
    ]);
    return { ...draft, outcome: { ...draft.outcome, trailers } };
  },
  answering('/sent'),
  answering('/sent'),
  answering('/now'),
];

/** A request whose response has extras. */
export function planTalk(random: Random, settings: PlanSettings, client: number, request: number): PlannedRequest {
  return build(random, random.pick(TALKATIVE)(random, settings, client, request), `${client}.${request}`);
}

/** A request to upgrade to the echo protocol. */
export function planUpgrade(random: Random, client: number, request: number): PlannedRequest {
  const lines = ['Connection: keep-alive, Upgrade', 'Upgrade: other, echo'];
  const outcome = { statuses: [101], content: Buffer.alloc(0) };
  const draft = { method: 'GET', path: '/upgrade', query: 'ms=1', mayBeOld: false, lines, outcome };
  return build(random, draft, `${client}.${request}`);
}

/** Request number `request` of client `client`. */
export function planRequest(random: Random, settings: PlanSettings, client: number, request: number): PlannedRequest {
  const isEnding = random.chance(settings.endingShare);
  const draft = random.pick(isEnding ? ENDING : ORDINARY)(random, settings, client, request);
  return build(random, draft, `${client}.${request}`);
}

/** An echo whose handler waits for the whole body. */
export function planEcho(random: Random, settings: PlanSettings, client: number, request: number): PlannedRequest {
  const draft = sending('/echo', (body) => ok(body))(random, settings, client, request);
  return build(
    random,
    { ...draft, body: contentOfRequest(client, request, random.between(64, 512)) },
    `${client}.${request}`,
  );
}

/** The same for a handler that responds without reading the body, or after its beginning. */
export function planUnread(
  random: Random,
  settings: PlanSettings,
  client: number,
  request: number,
  path: '/ignore' | '/taste',
): PlannedRequest {
  const draft = sending(path, () => ok(null))(random, settings, client, request);
  return build(
    random,
    { ...draft, body: contentOfRequest(client, request, random.between(64, 512)) },
    `${client}.${request}`,
  );
}

/** An echo of `length` bytes. */
export function planBody(random: Random, client: number, request: number, length: number): PlannedRequest {
  const body = contentOfRequest(client, request, length);
  const draft = { method: 'POST', path: '/echo', query: 'ms=1', body, outcome: ok(body) };
  return build(random, draft, `${client}.${request}`);
}

/** A request for `path`, one of those that complete during another connection's turn. */
export function planHeld(
  random: Random,
  settings: PlanSettings,
  client: number,
  request: number,
  path: '/held' | '/release' | '/held-files',
): PlannedRequest {
  const drafter = path === '/held-files' ? file('plain', path) : answering(path);
  const draft = drafter(random, settings, client, request);
  return build(random, { ...draft, mayBeOld: false }, `${client}.${request}`);
}

/** A request whose handler never responds. */
export function planNever(random: Random, settings: PlanSettings, client: number, request: number): PlannedRequest {
  return build(random, never(settings), `${client}.${request}`);
}

/** A plain response of `length` bytes. */
export function planResponse(random: Random, client: number, request: number, length: number): PlannedRequest {
  const content = contentOfRequest(client, request, length);
  const draft = { method: 'GET', path: '/now', query: `n=${length}`, mayBeOld: false, outcome: ok(content) };
  return build(random, draft, `${client}.${request}`);
}

function build(random: Random, draft: Draft, id: string): PlannedRequest {
  const { method, path, query, body, takesMs = 1 } = draft;
  const isHead = method === 'HEAD';
  // HTTP/1.0, where the end of the connection ends the response.
  const isOld =
    draft.mayBeOld !== false &&
    method === 'GET' &&
    draft.outcome.kind === undefined &&
    draft.outcome.closes !== 'yes' &&
    random.chance(0.03);
  const awaitsContinue = body !== undefined && body.length > 0 && random.chance(0.1);
  const lines = [`${method} ${path}?id=${id}&${query} HTTP/1.${isOld ? 0 : 1}`, 'Host: simulated'];
  if (draft.lines !== undefined) lines.push(...draft.lines);
  for (let i = random.below(4); i > 0; i--) lines.push(`X-Filler-${i}: ${'f'.repeat(random.below(40))}`);
  if (awaitsContinue) lines.push('Expect: 100-continue');
  const isChunked = body !== undefined && random.chance(0.5);
  if (body !== undefined) lines.push(isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`);
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  const content = isHead ? Buffer.alloc(0) : (draft.outcome.content ?? null);
  const outcome = { kind: 'whole', statuses: [200], closes: 'no', ...draft.outcome, content } as const;
  const sent = body === undefined ? Buffer.alloc(0) : isChunked ? chunked(random, body) : body;
  return {
    id,
    bytes: Buffer.concat([head, sent]),
    headBytes: head.length,
    isHead,
    awaitsContinue,
    takesMs,
    // HTTP/1.0 has neither interim responses nor trailers.
    outcome: isOld ? { ...outcome, closes: 'yes', hints: 0, trailers: new Map() } : outcome,
  };
}

/** `body` in chunks of random sizes, sometimes with an extension or trailers (RFC 9112 section 7.1). */
function chunked(random: Random, body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = Math.min(random.magnitude(8, 70_000), body.length - at);
    const extension = random.chance(0.05) ? ';name=value' : '';
    pieces.push(Buffer.from(`${size.toString(16)}${extension}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  pieces.push(Buffer.from(random.chance(0.3) ? '0\r\nX-Trailer: one\r\nX-Another: two\r\n\r\n' : '0\r\n\r\n'));
  return Buffer.concat(pieces);
}
