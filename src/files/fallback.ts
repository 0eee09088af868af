// The answers of a site with a fallback: they depend on what kind of request asks, and an application's 404 may be
// replaced. It must not know files.

import { type FieldInput, NO_FIELDS } from '../http/fields.ts';
import type { FileReceipt, HttpRequest, HttpResponse } from '../http/handler.ts';
import { NAVIGATION_FIELDS, navigationOf } from '../http/navigation.ts';
import { addVary } from '../http/vary.ts';
import { passOn, type Successor } from './successor.ts';

const NOT_FOUND = 404;

/** Answers a request, to the response that it is given. */
export type Answerer = (to: HttpResponse) => void | Promise<void>;

/** What may become of a request for what is no file. */
export interface MissingFile {
  readonly successor: Successor | null | undefined;
  /** Its path looks like that of a page. */
  readonly isPagePath: boolean;
  readonly fallBack: Answerer;
  readonly refuse: Answerer;
}

/**
 * The successor answers, then the fallback. A navigation gets the fallback also where the successor answers 404. Other
 * requests keep that 404: a script that is missing must not come as HTML. Without a successor, a request that names no
 * preference gets the fallback if its path looks like a page's.
 */
export function answerMissing(
  request: HttpRequest,
  response: HttpResponse,
  { successor, isPagePath, fallBack, refuse }: MissingFile,
): void | Promise<void> {
  const navigation = navigationOf(request);
  const answer = navigation === 'page' || (navigation === 'unknown' && isPagePath) ? fallBack : refuse;
  // The successor was asked before, and the fallback itself is missing or was replaced meanwhile.
  if (response instanceof VaryingResponse) return answer(response);
  const replaceable = new ReplaceableResponse(response, navigation === 'page' ? fallBack : null);
  return replaceable.run(() => passOn(successor, request, replaceable, () => answer(new VaryingResponse(response))));
}

/** Passes everything on to the answer that the client gets. */
class PassingResponse implements HttpResponse {
  protected readonly target: HttpResponse;

  constructor(target: HttpResponse) {
    this.target = target;
  }

  get started(): boolean {
    return this.target.started;
  }

  get ended(): boolean {
    return this.target.ended;
  }

  send(status: number, fields: FieldInput = NO_FIELDS, content: string | Uint8Array = ''): void {
    this.target.send(status, fields, content);
  }

  start(status: number, fields: FieldInput = NO_FIELDS): void {
    this.target.start(status, fields);
  }

  write(content: string | Uint8Array): boolean {
    return this.target.write(content);
  }

  drained(): Promise<void> {
    return this.target.drained();
  }

  whenDrained(callback: () => void): boolean {
    return this.target.whenDrained(callback);
  }

  writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void {
    this.target.writeFile(descriptor, position, length, receipt);
  }

  end(content?: string | Uint8Array): void {
    this.target.end(content);
  }

  abort(): void {
    this.target.abort();
  }
}

/** Says in Vary that the answer depends on whether the request is a navigation, so that no cache mixes them. */
class VaryingResponse extends PassingResponse {
  override send(status: number, fields: FieldInput = NO_FIELDS, content: string | Uint8Array = ''): void {
    this.target.send(status, varied(fields), content);
  }

  override start(status: number, fields: FieldInput = NO_FIELDS): void {
    this.target.start(status, varied(fields));
  }
}

function varied(fields: FieldInput): FieldInput {
  try {
    return addVary(fields, NAVIGATION_FIELDS);
  } catch {
    // The answer itself refuses such fields, with the error that handlers know.
    return fields;
  }
}

/**
 * What an application answers with, where a fallback stands behind it. A 404 is decided by its head: the fallback takes
 * its place, and from then on calls do nothing, as after a client left.
 */
class ReplaceableResponse extends PassingResponse {
  readonly #fallBack: Answerer | null;
  #replacement: Promise<void> | null = null;

  /** `fallBack`: answers instead of a 404; null: the application's own is sent, and says in Vary what it depends on. */
  constructor(target: HttpResponse, fallBack: Answerer | null) {
    super(target);
    this.#fallBack = fallBack;
  }

  override get started(): boolean {
    return this.#replacement !== null || this.target.started;
  }

  override get ended(): boolean {
    return this.#replacement !== null || this.target.ended;
  }

  override send(status: number, fields: FieldInput = NO_FIELDS, content: string | Uint8Array = ''): void {
    if (!this.#isReplaced(status)) this.#targetOf(status).send(status, fields, content);
  }

  override start(status: number, fields: FieldInput = NO_FIELDS): void {
    if (!this.#isReplaced(status)) this.#targetOf(status).start(status, fields);
  }

  override write(content: string | Uint8Array): boolean {
    return this.#replacement !== null || this.target.write(content);
  }

  override drained(): Promise<void> {
    return this.#replacement === null ? this.target.drained() : Promise.resolve();
  }

  override whenDrained(callback: () => void): boolean {
    return this.#replacement === null && this.target.whenDrained(callback);
  }

  override writeFile(descriptor: number, position: number, length: number, receipt: FileReceipt): void {
    if (this.#replacement === null) this.target.writeFile(descriptor, position, length, receipt);
    else receipt.taken(0);
  }

  override end(content?: string | Uint8Array): void {
    if (this.#replacement === null) this.target.end(content);
  }

  override abort(): void {
    if (this.#replacement === null) this.target.abort();
  }

  /** Calls the application. Its failure after a 404 that was replaced is reported when the replacement has been sent. */
  run(call: () => void | Promise<void>): void | Promise<void> {
    let result: void | Promise<void>;
    try {
      result = call();
    } catch (error) {
      if (this.#replacement === null) throw error;
      result = Promise.reject(error);
    }
    return result === undefined && this.#replacement === null ? undefined : this.#settled(result);
  }

  async #settled(result: void | Promise<void>): Promise<void> {
    try {
      await result;
    } finally {
      await this.#replacement;
    }
  }

  #isReplaced(status: number): boolean {
    const fallBack = this.#fallBack;
    if (this.#replacement !== null) return true;
    if (status !== NOT_FOUND || fallBack === null || this.target.started) return false;
    this.#replacement = (async () => fallBack(new VaryingResponse(this.target)))();
    return true;
  }

  #targetOf(status: number): HttpResponse {
    return status === NOT_FOUND ? new VaryingResponse(this.target) : this.target;
  }
}
