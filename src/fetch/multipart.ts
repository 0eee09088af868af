// Parses multipart/form-data (RFC 7578) as it arrives. Node's own parser takes the whole body at once, and four copies of
// it. As strict as Node's: what is malformed is no form. It must not know where the bytes come from.

import { SlabQueue } from '../slab-queue.ts';

/** RFC 2046 section 5.1.1. */
const MAX_BOUNDARY_BYTES = 70;

/** Of the fields of one part, as Node.js bounds those of a message. */
const MAX_FIELD_BYTES = 16_384;

/** A file goes into a Blob of its own for each so many bytes: Blobs that are parts of another are not copied. */
const BLOB_BYTES = 1_048_576;

const CRLF = '\r\n';
const FIELDS_END = '\r\n\r\n';
const DISPOSITION = 'form-data; name="';
const FILE_NAME = '; filename="';
const NON_ASCII = /[^\0-\x7f]/;

type State = 'boundary' | 'fields' | 'content' | 'over';

/** What the fields of a part say. */
interface Part {
  readonly name: string;
  /** Null: it is text. */
  readonly fileName: string | null;
  readonly type: string;
}

export class MultipartParser {
  readonly #form = new FormData();
  /** `--BOUNDARY`, and the same behind the content of a part. */
  readonly #opening: Buffer;
  readonly #delimiter: Buffer;
  #state: State = 'boundary';
  /** What was pushed and could not be told yet: less than a delimiter, or the fields of a part. */
  #rest: Buffer = Buffer.alloc(0);
  #part: Part | null = null;
  readonly #content = new SlabQueue();
  #blobs: Blob[] = [];

  /** @throws TypeError when no boundary of a form looks like that. */
  constructor(boundary: string | null) {
    if (boundary === null || boundary === '' || boundary.length > MAX_BOUNDARY_BYTES || NON_ASCII.test(boundary)) {
      throw malformed('its boundary is missing, or none');
    }
    this.#opening = Buffer.from(`--${boundary}`);
    this.#delimiter = Buffer.from(`${CRLF}--${boundary}`);
  }

  /** The next bytes, in pieces that are not tiny. @throws TypeError when they are no form. */
  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let taken = -1; taken !== 0 && rest.length > 0; rest = rest.subarray(taken)) taken = this.#take(rest);
    // A view would keep all of the piece.
    this.#rest = Buffer.from(rest);
  }

  /** The form, at its end. @throws TypeError when it is not whole. */
  end(): FormData {
    if (this.#state !== 'over') throw malformed('it ends before its last boundary');
    return this.#form;
  }

  /** Handles what stands at the beginning of `bytes`; returns how many bytes that were, 0 when more are needed. */
  #take(bytes: Buffer): number {
    if (this.#state === 'content') return this.#takeContent(bytes);
    if (this.#state === 'fields') return this.#takeFields(bytes);
    if (this.#state === 'boundary') return this.#takeBoundary(bytes);
    if (bytes.some((byte) => byte !== 0x0d && byte !== 0x0a)) throw malformed('there is more behind its last boundary');
    return bytes.length;
  }

  /** `--BOUNDARY CRLF` in front of a part, `--BOUNDARY--` at the end. */
  #takeBoundary(bytes: Buffer): number {
    const end = this.#opening.length;
    if (bytes.length < end + CRLF.length) return 0;
    if (!bytes.subarray(0, end).equals(this.#opening)) throw malformed('a part does not begin with its boundary');
    const behind = bytes.toString('latin1', end, end + CRLF.length);
    if (behind !== CRLF && behind !== '--') throw malformed('there is more behind a boundary');
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
    if (this.#part?.fileName !== null && this.#content.byteLength >= BLOB_BYTES) {
      this.#blobs.push(new Blob([this.#content.takeAll()]));
    }
  }

  #finishPart(): void {
    const { name = '', fileName = null, type = '' } = this.#part ?? {};
    if (fileName === null) this.#form.append(name, this.#content.takeText('removed'));
    else this.#form.append(name, new File([...this.#blobs, this.#content.takeAll()], fileName, { type }));
    this.#blobs = [];
    this.#part = null;
  }
}

/** @throws TypeError when it has no name. */
function partOf(fields: string): Part {
  let disposition: string | null = null;
  let type = 'text/plain';
  for (const line of fields.split(CRLF)) {
    const colon = line.indexOf(':');
    if (colon <= 0) throw malformed('a field of a part has no name');
    const value = line.slice(colon + 1).trim();
    const name = line.slice(0, colon).toLowerCase();
    if (name === 'content-disposition') disposition = value;
    else if (name === 'content-type') type = NON_ASCII.test(value) ? '' : value;
  }
  if (disposition === null || !disposition.startsWith(DISPOSITION)) throw malformed('a part has no name');
  const nameEnd = disposition.indexOf('"', DISPOSITION.length);
  if (nameEnd < 0) throw malformed('the name of a part does not end');
  return {
    name: unescaped(disposition.slice(DISPOSITION.length, nameEnd)),
    fileName: fileNameOf(disposition.slice(nameEnd + 1)),
    type,
  };
}

/** Other parameters mean nothing here: browsers send none. */
function fileNameOf(parameters: string): string | null {
  if (!parameters.startsWith(FILE_NAME)) return null;
  const end = parameters.indexOf('"', FILE_NAME.length);
  if (end < 0) throw malformed('the file name of a part does not end');
  return unescaped(parameters.slice(FILE_NAME.length, end));
}

/** How browsers write what would end a name ("multipart/form-data encoding algorithm" of HTML). */
function unescaped(name: string): string {
  return name.replaceAll(/%0a/gi, '\n').replaceAll(/%0d/gi, '\r').replaceAll('%22', '"');
}

function malformed(why: string): TypeError {
  return new TypeError(`formData: this is no multipart form: ${why}`);
}
