// A response that wraps another one: its filter may change the head, or drop the response, before it is sent.

import type { ProtocolFactory } from '../connection/channel.ts';
import { type FieldInput, NO_FIELDS } from './fields.ts';
import { FilteredVerbatim } from './filtered-verbatim.ts';
import type { FileReceipt, HttpResponse } from './handler.ts';
import type { VerbatimResponse } from './verbatim-response.ts';

/** Returns the fields to send with `status`. Null drops this response, since another one was sent in its place. */
export type HeadFilter = (status: number, fields: FieldInput) => FieldInput | null;

/** A response whose calls have no effect, as after the client has left. */
const DROPPED: HttpResponse = {
  started: true,
  ended: true,
  reasonPhrase: undefined,
  inform() {},
  send() {},
  start() {},
  write: () => true,
  drained: () => Promise.resolve(),
  flush: () => null,
  writeFile: (_descriptor, _position, _length, receipt) => receipt.onSent(0),
  end() {},
  whenSent() {},
  upgrade() {},
  abort() {},
};

export class FilteredResponse implements HttpResponse {
  readonly #origin: HttpResponse;
  /** {@link DROPPED} once another response was sent in place of this one. */
  #target: HttpResponse;
  readonly #filter: HeadFilter;

  constructor(target: HttpResponse, filter: HeadFilter) {
    this.#origin = target;
    this.#target = target;
    this.#filter = filter;
  }

  get started(): boolean {
    return this.#target.started;
  }

  get ended(): boolean {
    return this.#target.ended;
  }

  get reasonPhrase(): string | undefined {
    return this.#target.reasonPhrase;
  }

  set reasonPhrase(text: string | undefined) {
    if (this.#target !== DROPPED) this.#target.reasonPhrase = text;
  }

  get verbatim(): VerbatimResponse | undefined {
    const output = this.#origin.verbatim;
    if (output === undefined) return undefined;
    return new FilteredVerbatim(output, (status, fields) => {
      const filtered = this.#filtered(status, fields);
      return this.#target === DROPPED ? null : filtered;
    });
  }

  inform(status: number, fields?: FieldInput): void {
    this.#target.inform(status, fields);
  }

  send(status: number, fields: FieldInput = NO_FIELDS, content: string | Uint8Array = ''): void {
    const sent = this.#filtered(status, fields);
    this.#target.send(status, sent, content);
  }

  start(status: number, fields: FieldInput = NO_FIELDS): void {
    const sent = this.#filtered(status, fields);
    this.#target.start(status, sent);
  }

  /** Does not filter a second head: the target rejects it. */
  #filtered(status: number, fields: FieldInput): FieldInput {
    const target = this.#target;
    if (target.started) return fields;
    // The filter may send another response in place of this one.
    const { reasonPhrase } = target;
    if (reasonPhrase !== undefined) target.reasonPhrase = undefined;
    const filtered = this.#filter(status, fields);
    if (filtered === null) this.#target = DROPPED;
    else if (reasonPhrase !== undefined) target.reasonPhrase = reasonPhrase;
    return filtered ?? fields;
  }

  write(content: string | Uint8Array): boolean {
    return this.#target.write(content);
  }

  drained(): Promise<void> {
    return this.#target.drained();
  }

  flush(): Promise<void> | null {
    const target = this.#target;
    return target.flush === undefined ? target.drained() : target.flush();
  }

  writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void {
    this.#target.writeFile(descriptor, position, length, receipt);
  }

  end(content?: string | Uint8Array, trailers?: FieldInput): void {
    this.#target.end(content, trailers);
  }

  /** Waits for the response that the client gets: this one, or the one in its place. */
  whenSent(callback: (error?: Error) => void): void {
    this.#origin.whenSent(callback);
  }

  upgrade(fields: FieldInput, make: ProtocolFactory): void {
    this.#target.upgrade(fields, make);
  }

  abort(): void {
    this.#target.abort();
  }
}
