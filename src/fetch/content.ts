// What a Request or a Response carries ("body" in the Fetch standard, section 2.2.4 and 5.3): text, bytes, what a
// client is still sending, or a stream, which is made only for who asks for it. It must not know messages.

import stream from 'node:stream';
import { MIMEType } from 'node:util';
import { ownBytes } from '../own-bytes.ts';
import { SlabQueue } from '../slab-queue.ts';
import { MultipartParser } from './multipart.ts';
import { nodeClasses } from './native.ts';

/** What can be made into content; async iterables as in Node. */
export type BodyInit =
  | string
  | ArrayBuffer
  | NodeJS.ArrayBufferView
  | ReadableStream
  | Blob
  | FormData
  | URLSearchParams
  | AsyncIterable<Uint8Array>;

/** Content that arrives, in the manner of the server. */
export interface IncomingContent {
  /** The next piece, which belongs to the reader; null at the end. */
  read(): Promise<Uint8Array | null>;
}

/** Not in the types: whether anybody read of, or cancelled, a web stream. */
const isDisturbed: (web: ReadableStream) => boolean = Reflect.get(stream, 'isDisturbed');
/** Not in the types of this language level, but in Node 20. */
const toWellFormed: (this: string) => string = Reflect.get(String.prototype, 'toWellFormed');

type Source = string | Uint8Array | IncomingContent;

const BOM = '\ufeff';

export class Content {
  /** Null: nothing but a stream. */
  readonly #source: Source | null;
  #stream: ReadableStream<Uint8Array> | null;
  #isTaken = false;
  /** The media type that goes with it; null: none. */
  readonly type: string | null;

  constructor(source: Source | null, stream: ReadableStream<Uint8Array> | null, type: string | null = null) {
    this.#source = source;
    this.#stream = stream;
    this.type = type;
  }

  /** Whether only a stream is there: its end is unknown, and it can be read once. */
  get isStream(): boolean {
    return this.#source === null;
  }

  get stream(): ReadableStream<Uint8Array> {
    if (this.#stream === null) {
      this.#stream = this.#isTaken ? spentStream() : streamOf(this.#source ?? '');
    }
    return this.#stream;
  }

  /** Whether somebody read of it. */
  get used(): boolean {
    return this.#isTaken || (this.#stream !== null && isDisturbed(this.#stream));
  }

  /** Whether nobody can read it any more. */
  get unusable(): boolean {
    return this.used || this.#stream?.locked === true;
  }

  /** All of it; once. */
  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const taken = this.take();
    if (typeof taken === 'string') return new Uint8Array(Buffer.from(taken));
    if (taken instanceof Uint8Array) return new Uint8Array(taken);
    return ownBytes((await readAll(taken)).takeAll());
  }

  /** "UTF-8 decode": a byte order mark goes, what is no UTF-8 becomes U+FFFD. */
  async text(): Promise<string> {
    const taken = this.take();
    if (typeof taken === 'string') return withoutBom(toWellFormed.call(taken));
    if (taken instanceof Uint8Array) {
      return withoutBom(Buffer.from(taken.buffer, taken.byteOffset, taken.byteLength).toString('utf8'));
    }
    return (await readAll(taken)).takeText('removed');
  }

  /** All of it in pieces; once. A reader that stops cancels the stream that they come from. */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    const taken = this.take();
    if (typeof taken === 'string') yield Buffer.from(taken);
    else if (taken instanceof Uint8Array) yield taken;
    else if (taken instanceof ReadableStream) yield* piecesOf(taken);
    else for (let piece = await taken.read(); piece !== null; piece = await taken.read()) yield piece;
  }

  /** Gives it away, as whole as it is here: who takes it is its one reader. @throws TypeError when it is unusable. */
  take(): Source | ReadableStream<Uint8Array> {
    if (this.unusable) throw new TypeError('Body is unusable: it was read, or somebody is reading it');
    if (this.#stream !== null || this.#source === null) return this.stream;
    this.#isTaken = true;
    return this.#source;
  }

  /** The same content in another hand; this one is used up. */
  transfer(): Content {
    const taken = this.take();
    if (!(taken instanceof ReadableStream)) return new Content(taken, null, this.type);
    // Through a pipe: the stream that was given away is locked.
    return new Content(null, taken.pipeThrough(new TransformStream<Uint8Array, Uint8Array>()), this.type);
  }

  /** "Clone a body": what is whole is shared, a stream is teed. */
  clone(): Content {
    if (this.unusable) throw new TypeError('Body is unusable: what was read cannot be cloned');
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
    if (init.locked || isDisturbed(init)) throw new TypeError('the stream is locked, or was read');
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

/** The stream of content that was taken: at its end, and locked. */
function spentStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  stream.getReader();
  return stream;
}

/** As everything that reads a body, it keeps the stream locked. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      if (!(value instanceof Uint8Array)) throw new TypeError('a stream that is a body must give Uint8Arrays');
      yield value;
    }
  } finally {
    // Of a stream that is over, this does nothing; one that failed has said so.
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

// ---- What Request and Response both include ("Body" in Web IDL); content null: they carry nothing -----------

/** Where there is nothing, nothing is used up. */
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

/** Small pieces are gathered to so many bytes, large ones are cut to them, before a form is looked for. */
const FORM_BLOCK_BYTES = 65_536;

/** @throws TypeError when `type` is that of no form, or the content is none. */
export async function formDataOf(content: Content | null, type: string | null): Promise<FormData> {
  const pieces = readable(content).pieces();
  // The content counts as read from here on, whatever its type is.
  const first = await pieces.next();
  const all = async function* (): AsyncGenerator<Uint8Array, void, void> {
    if (first.done !== true) yield first.value;
    yield* pieces;
  };
  try {
    const { essence, params } = mediaTypeOf(type);
    return await (essence === MULTIPART ? multipartOf(all(), params.get('boundary')) : parametersOf(all()));
  } finally {
    // What is left is not read.
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
  try {
    const parsed = new MIMEType(type ?? '');
    if (FORM_TYPES.includes(parsed.essence)) return parsed;
  } catch {
    // It is no media type.
  }
  throw new TypeError(
    `formData: the Content-Type must be one of ${FORM_TYPES.join(', ')}, not ${JSON.stringify(type)}`,
  );
}
