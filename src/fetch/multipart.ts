// Parses multipart/form-data (RFC 7578) as it arrives. Node's own parser needs the whole body at once, and makes four
// copies of it. It is as strict as Node's: malformed content is rejected.

import { SlabQueue } from '../slab-queue.ts';

/** RFC 2046 section 5.1.1. */
const MAX_BOUNDARY_BYTES = 70;

/** The limit for the fields of one part, as Node.js limits those of a message. */
const MAX_FIELD_BYTES = 16_384;

/** A file gets a Blob of its own for each such number of bytes: Blobs that are parts of another are not copied. */
const BLOB_BYTES = 1_048_576;

const CRLF = '\r\n';
const FIELDS_END = '\r\n\r\n';
const CR = 0x0d;
const LF = 0x0a;
const NON_ASCII = /[^\0-\x7f]/;

type State = 'front' | 'boundary' | 'fields' | 'content' | 'over';

/** The meaning of the fields of a part. */
interface Part {
  readonly name: string;
  /** Null: the part is text. */
  readonly fileName: string | null;
  readonly type: string;
  /** `Content-Transfer-Encoding: base64`, which RFC 7578 section 4.7 deprecates. */
  readonly isBase64: boolean;
}

export class MultipartParser {
  readonly #form = new FormData();
  /** `--BOUNDARY`; {@link #closing} is the same after the content of a part. */
  readonly #opening: Buffer;
  readonly #delimiter: Buffer;
  #state: State = 'front';
  /** Bytes that are not yet complete: less than a delimiter, or the fields of a part. */
  #rest: Buffer = Buffer.alloc(0);
  #part: Part | null = null;
  readonly #content = new SlabQueue();
  #blobs: Blob[] = [];

  /** @throws TypeError when the boundary is missing or malformed. */
  constructor(boundary: string | null) {
    if (boundary === null || boundary === '' || boundary.length > MAX_BOUNDARY_BYTES || NON_ASCII.test(boundary)) {
      throw malformed('its boundary is missing or malformed');
    }
    this.#opening = Buffer.from(`--${boundary}`);
    this.#delimiter = Buffer.from(`${CRLF}--${boundary}`);
  }

  /** Parses the next bytes, which come in pieces that are not tiny. @throws TypeError when they are malformed. */
  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let taken = -1; taken !== 0 && rest.length > 0; rest = rest.subarray(taken)) taken = this.#take(rest);
    // A view would keep the whole piece in memory.
    this.#rest = Buffer.from(rest);
  }

  /** The form, after the last bytes. @throws TypeError when it is incomplete. */
  end(): FormData {
    if (this.#state !== 'over') throw malformed('it ends before its last boundary');
    return this.#form;
  }

  /** Handles the beginning of `bytes`; returns how many bytes were used, 0 when more are needed. */
  #take(bytes: Buffer): number {
    if (this.#state === 'content') return this.#takeContent(bytes);
    if (this.#state === 'fields') return this.#takeFields(bytes);
    if (this.#state === 'boundary') return this.#takeBoundary(bytes);
    if (this.#state === 'front') return this.#takeFront(bytes);
    if (bytes.some((byte) => byte !== CR && byte !== LF)) throw malformed('there is content after its last boundary');
    return bytes.length;
  }

  /** Skips line ends before the first boundary, as some clients send them. */
  #takeFront(bytes: Buffer): number {
    let at = 0;
    while (bytes[at] === CR && bytes[at + 1] === LF) at += CRLF.length;
    if (at < bytes.length && !(bytes[at] === CR && at + 1 === bytes.length)) this.#state = 'boundary';
    return at > 0 || this.#state === 'front' ? at : this.#takeBoundary(bytes);
  }

  /** Parses `--BOUNDARY CRLF` before a part, or `--BOUNDARY--` at the end. */
  #takeBoundary(bytes: Buffer): number {
    const end = this.#opening.length;
    if (bytes.length < end + CRLF.length) return 0;
    if (!bytes.subarray(0, end).equals(this.#opening)) throw malformed('a part does not begin with its boundary');
    const behind = bytes.toString('latin1', end, end + CRLF.length);
    if (behind !== CRLF && behind !== '--') throw malformed('there is content directly after a boundary');
    this.#state = behind === CRLF ? 'fields' : 'over';
    return end + CRLF.length;
  }

  #takeFields(bytes: Buffer): number {
    const end = bytes.indexOf(FIELDS_END);
    if (end > MAX_FIELD_BYTES || (end < 0 && bytes.length > MAX_FIELD_BYTES + FIELDS_END.length)) {
      throw malformed(`the fields of a part are longer than ${MAX_FIELD_BYTES} bytes`);
    }
    if (end < 0) return 0;
    this.#part = partOf(bytes.toString('utf8', 0, end));
    this.#state = 'content';
    return end + FIELDS_END.length;
  }

  #takeContent(bytes: Buffer): number {
    const end = bytes.indexOf(this.#delimiter);
    if (end >= 0) {
      this.#keep(bytes.subarray(0, end));
      this.#finishPart();
      this.#state = 'boundary';
      return end + CRLF.length;
    }
    const known = bytes.length - this.#delimiter.length + 1;
    if (known <= 0) return 0;
    this.#keep(bytes.subarray(0, known));
    return known;
  }

  #keep(bytes: Buffer): void {
    this.#content.append(bytes);
    const { fileName = null, isBase64 = false } = this.#part ?? {};
    if (fileName !== null && !isBase64 && this.#content.byteLength >= BLOB_BYTES) {
      this.#blobs.push(new Blob([this.#content.takeAll()]));
    }
  }

  #finishPart(): void {
    const { name = '', fileName = null, type = '', isBase64 = false } = this.#part ?? {};
    if (isBase64) this.#decodeBase64();
    if (fileName === null) this.#form.append(name, this.#content.takeText('removed'));
    else this.#form.append(name, new File([...this.#blobs, this.#content.takeAll()], fileName, { type }));
    this.#blobs = [];
    this.#part = null;
  }

  #decodeBase64(): void {
    const bytes = Buffer.from(this.#content.takeAll().toString('latin1'), 'base64');
    this.#content.append(bytes);
  }
}

/** @throws TypeError when the part has no name. */
function partOf(fields: string): Part {
  let disposition = '';
  let type = 'text/plain';
  let isBase64 = false;
  for (const line of fields.split(CRLF)) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformed('a field of a part has no name');
    const value = line.slice(colon + 1).trim();
    const name = line.slice(0, colon).toLowerCase();
    if (name === 'content-disposition') disposition = value;
    else if (name === 'content-type') type = NON_ASCII.test(value) ? '' : value;
    else if (name === 'content-transfer-encoding') isBase64 = value.toLowerCase() === 'base64';
  }
  const parameters = parametersOf(disposition);
  const name = parameters.get('name');
  if (name === undefined) throw malformed('a part has no name');
  return { name, fileName: fileNameOf(parameters), type, isBase64 };
}

/** The parameters of `form-data` by name, each a token or quoted. The first of two with one name counts. */
function parametersOf(disposition: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let at = disposition.indexOf(';');
  if (at < 0 || disposition.slice(0, at).trim().toLowerCase() !== 'form-data') throw malformed('a part has no name');
  while (disposition.slice(at + 1).trim() !== '') {
    const equals = disposition.indexOf('=', at);
    if (equals < 0) throw malformed('a parameter of a part has no value');
    const name = disposition
      .slice(at + 1, equals)
      .trim()
      .toLowerCase();
    const isQuoted = disposition[equals + 1] === '"';
    const start = isQuoted ? equals + 2 : equals + 1;
    const end = endOf(disposition, start, isQuoted ? '"' : ';');
    const value = disposition.slice(start, end);
    if (!parameters.has(name)) parameters.set(name, isQuoted ? unescaped(value) : value.trim());
    at = isQuoted ? endOf(disposition, end + 1, ';') : end;
    if (isQuoted && disposition.slice(end + 1, at).trim() !== '')
      throw malformed('there is content directly after a name');
  }
  return parameters;
}

/** The offset of `mark`; the last value needs no semicolon. */
function endOf(disposition: string, start: number, mark: '"' | ';'): number {
  const end = disposition.indexOf(mark, start);
  if (end < 0 && mark === '"') throw malformed('the name of a part does not end');
  return end < 0 ? disposition.length : end;
}

/**
 * The file name. The extended form (RFC 8187) wins, as in HTTP: RFC 7578 forbids it, but .NET and Python clients send
 * it.
 */
function fileNameOf(parameters: ReadonlyMap<string, string>): string | null {
  const extended = parameters.get('filename*');
  const plain = parameters.get('filename') ?? null;
  if (extended === undefined) return plain;
  const [charset = '', , encoded] = extended.split("'", 3);
  try {
    if (charset.toLowerCase() === 'utf-8' && encoded !== undefined) return decodeURIComponent(encoded);
  } catch {
    // Not UTF-8.
  }
  if (plain === null) throw malformed('the file name of a part is not encoded in UTF-8');
  return plain;
}

/**
 * Decodes the escapes of browsers for characters that would end a name ("multipart/form-data encoding algorithm" of
 * HTML).
 */
function unescaped(name: string): string {
  return name.replaceAll(/%0a/gi, '\n').replaceAll(/%0d/gi, '\r').replaceAll('%22', '"');
}

function malformed(why: string): TypeError {
  return new TypeError(`formData: the multipart form is malformed: ${why}`);
}
