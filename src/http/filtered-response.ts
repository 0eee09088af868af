// A response that stands in front of another one: it sees the head before that is sent, and may change or drop it.

import { type FieldInput, NO_FIELDS } from './fields.ts';
import type { FileReceipt, HttpResponse } from './handler.ts';

/** Returns the fields to send with `status`; null: drop this response, since another one has taken its place. */
export type HeadFilter = (status: number, fields: FieldInput) => FieldInput | null;

/** Calls do nothing, as after the client left. */
const DROPPED: HttpResponse = {
  started: true,
  ended: true,
  send() {},
  start() {},
  write: () => true,
  drained: () => Promise.resolve(),
  whenDrained: () => false,
  writeFile: (_descriptor, _position, _length, receipt) => receipt.taken(0),
  end() {},
  abort() {},
};

export class FilteredResponse implements HttpResponse {
  #target: HttpResponse;
  readonly #filter: HeadFilter;

  constructor(target: HttpResponse, filter: HeadFilter) {
    this.#target = target;
    this.#filter = filter;
  }

  get started(): boolean {
    return this.#target.started;
  }

  get ended(): boolean {
    return this.#target.ended;
  }

  send(status: number, fields: FieldInput = NO_FIELDS, content: string | Uint8Array = ''): void {
    const sent = this.#filtered(status, fields);
    this.#target.send(status, sent, content);
  }

  start(status: number, fields: FieldInput = NO_FIELDS): void {
    const sent = this.#filtered(status, fields);
    this.#target.start(status, sent);
  }

  /** A second head is the target's to refuse. */
  #filtered(status: number, fields: FieldInput): FieldInput {
    if (this.#target.started) return fields;
    const filtered = this.#filter(status, fields);
    if (filtered === null) this.#target = DROPPED;
    return filtered ?? fields;
  }

  write(content: string | Uint8Array): boolean {
    return this.#target.write(content);
  }

  drained(): Promise<void> {
    return this.#target.drained();
  }

  whenDrained(callback: () => void): boolean {
    return this.#target.whenDrained(callback);
  }

  writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void {
    this.#target.writeFile(descriptor, position, length, receipt);
  }

  end(content?: string | Uint8Array): void {
    this.#target.end(content);
  }

  abort(): void {
    this.#target.abort();
  }
}
