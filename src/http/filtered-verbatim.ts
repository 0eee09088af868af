// The output of an adapter that writes HTTP/1 messages itself, whose head a filter may change or drop.

import type { Channel, ProtocolFactory } from '../connection/channel.ts';
import { type FieldInput, precompileFields } from './fields.ts';
import { isHopByHop } from './hop-by-hop.ts';
import type { VerbatimResponse } from './verbatim-response.ts';

const LINE_END = '\r\n';

/** As HeadFilter: null drops this response, since another one was sent in its place. */
type FilterFields = (status: number, fields: readonly (readonly [string, string])[]) => FieldInput | null;

export class FilteredVerbatim implements VerbatimResponse {
  readonly #target: VerbatimResponse;
  readonly #filter: FilterFields;
  #isDropped = false;
  /** The changed head, until it is written in place of the first bytes. */
  #head: Buffer | null = null;
  /** How many bytes it replaces. */
  #replacedBytes = 0;

  constructor(target: VerbatimResponse, filter: FilterFields) {
    this.#target = target;
    this.#filter = filter;
  }

  get channel(): Channel {
    return this.#target.channel;
  }

  get keepAliveTimeoutMs(): number {
    return this.#target.keepAliveTimeoutMs;
  }

  get gone(): boolean {
    return this.#target.gone;
  }

  get keepsAlive(): boolean {
    return this.#target.keepsAlive;
  }

  persists(): boolean {
    return this.#target.persists();
  }

  interimVerbatim(status: number, head: Buffer): void {
    if (!this.#isDropped) this.#target.interimVerbatim(status, head);
  }

  startVerbatim(status: number, closes: boolean, head: Buffer): void {
    const filtered = this.#filtered(status, head.toString('latin1'));
    if (filtered === null) return;
    this.#head = Buffer.from(filtered, 'latin1');
    this.#replacedBytes = head.length;
    this.#target.startVerbatim(status, closes, this.#head);
  }

  writeVerbatim(bytes: Uint8Array, contentBytes: number): boolean {
    if (this.#isDropped) return true;
    const head = this.#head;
    if (head === null) return this.#target.writeVerbatim(bytes, contentBytes);
    this.#head = null;
    return this.#target.writeVerbatim(Buffer.concat([head, bytes.subarray(this.#replacedBytes)]), contentBytes);
  }

  writeWhole(status: number, closes: boolean, head: string, content: string | Uint8Array, announced: number): number {
    const filtered = this.#filtered(status, head);
    if (filtered !== null) return this.#target.writeWhole(status, closes, filtered, content, announced, false);
    return typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  }

  endVerbatim(complete: boolean): void {
    if (!this.#isDropped) this.#target.endVerbatim(complete);
  }

  takeOver(make: ProtocolFactory): void {
    this.#target.takeOver(make);
  }

  /** The changed head. The lines that frame the message stay as they are. Null: the response is dropped. */
  #filtered(status: number, head: string): string | null {
    const [statusLine = '', ...lines] = head.split(LINE_END).filter((line) => line !== '');
    const pairs = lines.map((line): readonly [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    });
    const framing = lines.filter((_line, at) => isFraming(pairs[at]?.[0] ?? ''));
    const fields = this.#filter(
      status,
      pairs.filter(([name]) => !isFraming(name)),
    );
    this.#isDropped = fields === null;
    if (fields === null) return null;
    const own = precompileFields(fields).lines;
    return [statusLine, LINE_END, own, ...framing.map((line) => line + LINE_END), LINE_END].join('');
  }
}

function isFraming(name: string): boolean {
  return isHopByHop(name) || name.toLowerCase() === 'content-length';
}
