// What a client gets of a file that is there: all of it, parts of it, or word that it has it already.
// It must not know how files are found, nor where their bytes are.

import { evaluateConditions, NOT_MODIFIED, PRECONDITION_FAILED, rangeStillHolds } from '../http/conditions.ts';
import { sendError } from '../http/error-answer.ts';
import { FieldNames } from '../http/field-names.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { type ByteRange, selectRanges } from './byte-ranges.ts';
import type { ContentPart } from './content.ts';
import { contentRange, makeMultipart } from './multipart.ts';
import type { Representation } from './representation.ts';

/** What becomes of a GET or HEAD, before any byte of the file is needed. */
export type FileAnswer = 'whole' | 'unchanged' | 'failed' | 'unsatisfiable' | readonly ByteRange[];

/** Most requests have none of these. */
const SELECTIVE = new FieldNames('if-match', 'if-unmodified-since', 'if-none-match', 'if-modified-since', 'range');

/** By preconditions, then by Range (RFC 9110 section 13.2.2). `nowMs`: reads the wall clock. */
export function chooseAnswer(request: HttpRequest, file: Representation, nowMs: () => number): FileAnswer {
  if (request.mayHave?.(SELECTIVE) === false) return 'whole';
  const outcome = evaluateConditions(request, file, nowMs);
  if (outcome === NOT_MODIFIED) return 'unchanged';
  if (outcome === PRECONDITION_FAILED) return 'failed';
  const range = request.header('range');
  if (range === undefined || request.method !== 'GET') return 'whole';
  return rangeStillHolds(request.header('if-range'), file) ? selectRanges(range, file.size) : 'whole';
}

/** Gives the answers that need no byte of the file; false: this one does. */
export function answerWithout(
  request: HttpRequest,
  response: HttpResponse,
  file: Representation,
  plan: FileAnswer,
): boolean {
  if (plan === 'unchanged') response.send(304, file.notModified);
  else if (plan === 'failed') answerFailed(request, response);
  else if (plan === 'unsatisfiable') refuseRange(request, response, file);
  else if (request.method === 'HEAD') response.send(200, file.fields);
  else return false;
  return true;
}

/** A precondition does not hold. */
export function answerFailed(request: HttpRequest, response: HttpResponse): void {
  const sentence = 'This file is not what the request takes it for.';
  sendError(request, response, { status: 412, sentence, text: `${sentence}\n` });
}

function refuseRange(request: HttpRequest, response: HttpResponse, { size }: Representation): void {
  const sentence = `This file has ${size} bytes.`;
  const lines = `Content-Range: bytes */${size}\r\n`;
  sendError(request, response, { status: 416, sentence, text: `${sentence}\n`, lines });
}

/** Answers from memory, at once. */
export function answerFrom(content: Uint8Array, response: HttpResponse, file: Representation, plan: FileAnswer): void {
  if (plan === 'whole') return response.send(200, file.fields, content);
  const pieces = beginAnswer(response, file, plan);
  for (const piece of pieces) {
    response.write(piece instanceof Uint8Array ? piece : content.subarray(piece.start, piece.end + 1));
  }
  response.end();
}

/** Sends status and fields of an answer with content; returns what its content is made of. */
export function beginAnswer(response: HttpResponse, file: Representation, plan: FileAnswer): readonly ContentPart[] {
  if (typeof plan === 'string') {
    response.start(200, file.fields);
    return file.size === 0 ? [] : [{ start: 0, end: file.size - 1 }];
  }
  const [only] = plan;
  if (plan.length === 1 && only !== undefined) {
    const range = contentRange(only.start, only.end, file.size);
    const lines = `Content-Type: ${file.kind.mediaType}\r\nContent-Range: ${range}\r\n`;
    response.start(206, file.partFields(lines, only.end - only.start + 1));
    return plan;
  }
  const { mediaType, parts, tail, length } = makeMultipart(plan, file.kind.mediaType, file.size);
  response.start(206, file.partFields(`Content-Type: ${mediaType}\r\n`, length));
  return [...parts.flatMap(({ head, start, end }) => [head, { start, end }]), tail];
}
