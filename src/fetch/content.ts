// The body of a Request or Response (Fetch standard, sections 2.2.4 and 5.3): text, bytes, arriving content, or a
// stream. A stream is made only when it is read.

import stream from 'node:stream';
import { MIMEType } from 'node:util';
import { ownBytes } from '../own-bytes.ts';
import { SlabQueue } from '../slab-queue.ts';
import { MultipartParser } from './multipart.ts';
import { nodeClasses } from './native.ts';

/** Values that can become a body; async iterables as in Node. */
export type BodyInit =
  | string
  | ArrayBuffer
  | NodeJS.ArrayBufferView
  | ReadableStream
  | Blob
  | FormData
  | URLSearchParams
  | AsyncIterable<Uint8Array>;

/** Content that arrives, as `RequestBody` of the raw handler. */
export interface IncomingContent {
  /** The next piece, which belongs to the reader; null at the end. */
  read(): Promise<Uint8Array | null>;
}

/** Whether a web stream was read or cancelled. It is not in the types. */
const isDisturbed: (web: ReadableStream) => boolean = Reflect.get(stream, 'isDisturbed');
/** Not in the types of this language level, but in Node 20. */
const toWellFormed: (this: string) => string = Reflect.get(String.prototype, 'toWellFormed');

type Source = string | Uint8Array | IncomingContent;

const BOM = '\ufeff';

export class Content {
  /** Null: there is only a stream. */
  readonly #source: Source | null;
  #stream: ReadableStream<Uint8Array> | null;
  #isTaken = false;
  /** The media type of the content; null: none. */
  readonly type: string | null;

  constructor(source: Source | null, stream: ReadableStream<Uint8Array> | null, type: string | null = null) {
    this.#source = source;
    this.#stream = stream;
    this.type = type;
  }

  /** Whether there is only a stream, which has no known length and can be read once. */
  get isStream(): boolean {
    return this.#source === null;
  }

  get stream(): ReadableStream<Uint8Array> {
    if (this.#stream === null) {
      this.#stream = this.#isTaken ? usedStream() : streamOf(this.#source ?? '');
    }
    return this.#stream;
  }

  /** Whether the content was read. */
  get used(): boolean {
    return this.#isTaken || (this.#stream !== null && isDisturbed(this.#stream));
  }

  /** Whether the content was read, or is locked by a reader. */
  get unusable(): boolean {
    return this.used || this.#stream?.locked === true;
  }

  /** The whole content. It can be read once. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const taken = this.take();
    if (typeof taken === 'string') return new Uint8Array(Buffer.from(taken));
    if (taken instanceof Uint8Array) return new Uint8Array(taken);
    return ownBytes((await readAll(taken)).takeAll());
  }

  /** "UTF-8 decode": removes a byte order mark, and replaces invalid bytes by U+FFFD. */
  async text(): Promise<string> {
    const taken = this.take();
    if (typeof taken === 'string') return withoutBom(toWellFormed.call(taken));
    if (taken instanceof Uint8Array) {
      return withoutBom(Buffer.from(taken.buffer, taken.byteOffset, taken.byteLength).toString('utf8'));
    }
    return (await readAll(taken)).takeText('removed');
  }

  /** The whole content in pieces. It can be read once. A reader that stops cancels the stream behind it. */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    const taken = this.take();
    if (typeof taken === 'string') yield Buffer.from(taken);
    else if (taken instanceof Uint8Array) yield taken;
    else if (taken instanceof ReadableStream) yield* piecesOf(taken);
    else for (let piece = await taken.read(); piece !== null; piece = await taken.read()) yield piece;
  }

  /** Moves the content to the caller, which becomes its one reader. @throws TypeError when it is unusable. */
  take(): Source | ReadableStream<Uint8Array> {
    if (this.unusable) throw new TypeError('Body is unusable: it was read already, or is locked by a reader');
    if (this.#stream !== null || this.#source === null) return this.stream;
    this.#isTaken = true;
    return this.#source;
  }

  /** Moves the content to a new object; this one is used up. */
  transfer(): Content {
    const taken = this.take();
    if (!(taken instanceof ReadableStream)) return new Content(taken, null, this.type);
    // Through a pipe, since the original stream is locked.
    return new Content(null, taken.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()), this.type);
  }

  /** "Clone a body": whole content is shared, a stream is teed. */
  clone(): Content {
    if (this.unusable) throw new TypeError('Body is unusable: it was read already, so it cannot be cloned');
    const source = this.#source;
    if (this.#stream === null && (typeof source === 'string' || source instanceof Uint8Array)) {
      return new Content(source, null, this.type);
    }
    const [one, other] = this.stream.tee();
    this.#stream = one;
    return new Content(null, other, this.type);
  }
}

/** "Extract a body". @throws TypeError for a stream that is locked or was read. */
export function extract(init: BodyInit): Content {
  if (typeof init === 'string') return new Content(init, null, 'text/plain;charset=UTF-8');
  if (init instanceof Uint8Array) return new Content(new Uint8Array(init), null);
  if (init instanceof ReadableStream) {
    if (init.locked || isDisturbed(init)) throw new TypeError('the stream is locked, or was read already');
    return new Content(null, init);
  }
  if (init instanceof URLSearchParams) {
    return new Content(String(init), null, 'application/x-www-form-urlencoded;charset=UTF-8');
  }
  if (init instanceof ArrayBuffer) return new Content(new Uint8Array(init.slice(0)), null);
  if (ArrayBuffer.isView(init)) {
    return new Content(new Uint8Array(Buffer.from(init.buffer, init.byteOffset, init.byteLength)), null);
  }
  if (init instanceof Blob || init instanceof FormData || isAsyncIterable(init)) {
    const { Response: NodeResponse } = nodeClasses();
    const native = new NodeResponse(init);
    return new Content(null, native.body, native.headers.get('content-type'));
  }
  return new Content(String(init), null, 'text/plain;charset=UTF-8');
}

function isAsyncIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function streamOf(source: Source): ReadableStream<Uint8Array> {
  if (typeof source === 'string' || source instanceof Uint8Array) {
    const bytes = typeof source === 'string' ? new Uint8Array(Buffer.from(source)) : source;
    return new ReadableStream({
      type: 'bytes',
      pull: (controller) => {
        if (bytes.byteLength > 0) controller.enqueue(new Uint8Array(bytes));
        controller.close();
        controller.byobRequest?.respond(0);
      },
    });
  }
  return new ReadableStream({
    type: 'bytes',
    pull: async (controller) => {
      const piece = await source.read();
      if (piece !== null) {
        controller.enqueue(piece);
        return;
      }
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
}

/** The stream of content that was moved away: at its end, and locked. */
function usedStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  stream.getReader();
  return stream;
}

/** Keeps the stream locked, as every reader of a body does. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      if (!(value instanceof Uint8Array)) throw new TypeError('the stream of a body must yield Uint8Arrays');
      yield value;
    }
  } finally {
    // This has no effect on a stream that has ended; a failed one has reported its error.
    reader.cancel().catch(() => {});
  }
}

async function readAll(source: ReadableStream<Uint8Array> | IncomingContent): Promise<SlabQueue> {
  const all = new SlabQueue();
  if (!(source instanceof ReadableStream)) {
    await all.adoptAll(source);
    return all;
  }
  for await (const piece of piecesOf(source)) all.append(piece);
  return all;
}

function withoutBom(text: string): string {
  return text.startsWith(BOM) ? text.slice(1) : text;
}

// ---- What Request and Response both include ("Body" in Web IDL); content null: no body ---------------

/** A null body is never used up. */
function readable(content: Content | null): Content {
  return content ?? new Content('', null);
}

export async function arrayBufferOf(content: Content | null): Promise<ArrayBuffer> {
  return (await readable(content).bytes()).buffer;
}

export async function bytesOf(content: Content | null): Promise<Uint8Array<ArrayBuffer>> {
  return readable(content).bytes();
}

export async function textOf(content: Content | null): Promise<string> {
  return readable(content).text();
}

export async function jsonOf(content: Content | null): Promise<unknown> {
  return JSON.parse(await readable(content).text());
}

export async function blobOf(content: Content | null, type: string | null): Promise<Blob> {
  return new Blob([await readable(content).bytes()], { type: type ?? '' });
}

const MULTIPART = 'multipart/form-data';
const FORM_TYPES = [MULTIPART, 'application/x-www-form-urlencoded'];

/**
 * A longer Content-Type is refused before it is parsed: node's parser takes quadratic time for white space. A boundary has at
 * most 70 characters (RFC 2046 section 5.1.1).
 */
const MAX_FORM_TYPE_LENGTH = 1_024;

/** Small pieces are joined to this many bytes, and large ones are cut to them, before they are parsed. */
const FORM_BLOCK_BYTES = 65_536;

/** @throws TypeError when `type` is not that of a form, or the content is malformed. */
export async function formDataOf(content: Content | null, type: string | null): Promise<FormData> {
  const pieces = readable(content).pieces();
  // The content counts as read from here on, whatever its type.
  const first = await pieces.next();
  const all = async function* (): AsyncGenerator<Uint8Array, void, void> {
    if (first.done !== true) yield first.value;
    yield* pieces;
  };
  try {
    const { essence, params } = mediaTypeOf(type);
    return await (essence === MULTIPART ? multipartOf(all(), params.get('boundary')) : parametersOf(all()));
  } finally {
    // The rest is not read.
    await pieces.return();
  }
}

async function multipartOf(pieces: AsyncIterable<Uint8Array>, boundary: string | null): Promise<FormData> {
  const parser = new MultipartParser(boundary);
  const block = new SlabQueue();
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += FORM_BLOCK_BYTES) {
      block.append(piece, at, Math.min(at + FORM_BLOCK_BYTES, piece.length));
      if (block.byteLength >= FORM_BLOCK_BYTES) parser.push(block.takeAll());
    }
  }
  parser.push(block.takeAll());
  return parser.end();
}

async function parametersOf(pieces: AsyncIterable<Uint8Array>): Promise<FormData> {
  const all = new SlabQueue();
  for await (const piece of pieces) all.append(piece);
  const form = new FormData();
  for (const [name, value] of new URLSearchParams(all.takeText())) form.append(name, value);
  return form;
}

function mediaTypeOf(type: string | null): MIMEType {
  if (type !== null && type.length > MAX_FORM_TYPE_LENGTH) {
    throw new TypeError(
      `formData: the Content-Type has ${type.length} characters, which is more than the ${MAX_FORM_TYPE_LENGTH} of a form`,
    );
  }
  try {
    const parsed = new MIMEType(type ?? '');
    if (FORM_TYPES.includes(parsed.essence)) return parsed;
  } catch {
    // Not a media type.
  }
  throw new TypeError(
    `formData: the Content-Type must be one of ${FORM_TYPES.join(', ')}, not ${JSON.stringify(type)}`,
  );
}
