// Chooses and sends the response for an existing file: the whole file, ranges of it, 304, 412 or 416.

import { countText } from '../count-text.ts';
import { evaluateConditions, NOT_MODIFIED, PRECONDITION_FAILED, rangeStillHolds } from '../http/conditions.ts';
import { sendError } from '../http/error-response.ts';
import { FieldNames } from '../http/field-names.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { type ByteRange, selectRanges } from './byte-ranges.ts';
import type { ContentPart } from './content.ts';
import { contentRange, makeMultipart } from './multipart.ts';
import type { Representation } from './representation.ts';

/** The kind of response to a GET or HEAD, chosen before any byte of the file is needed. */
export type FileResponse = 'whole' | 'unchanged' | 'failed' | 'unsatisfiable' | readonly ByteRange[];

/** Most requests have none of these fields. */
const SELECTIVE = new FieldNames('if-match', 'if-unmodified-since', 'if-none-match', 'if-modified-since', 'range');

/** Chooses by preconditions, then by Range (RFC 9110 section 13.2.2). `nowMs`: reads the wall clock. */
export function chooseResponse(request: HttpRequest, file: Representation, nowMs: () => number): FileResponse {
  if (request.mayHave?.(SELECTIVE) === false) return 'whole';
  const outcome = evaluateConditions(request, file, nowMs);
  if (outcome === NOT_MODIFIED) return 'unchanged';
  if (outcome === PRECONDITION_FAILED) return 'failed';
  const range = request.header('range');
  if (range === undefined || request.method !== 'GET') return 'whole';
  return rangeStillHolds(request.header('if-range'), file) ? selectRanges(range, file.size) : 'whole';
}

/** Sends a response that needs no byte of the file. Returns false if this response needs some. */
export function answerWithout(
  request: HttpRequest,
  response: HttpResponse,
  file: Representation,
  plan: FileResponse,
): boolean {
  if (plan === 'unchanged') response.send(304, file.notModified);
  else if (plan === 'failed') answerFailed(request, response);
  else if (plan === 'unsatisfiable') refuseRange(request, response, file);
  else if (request.method === 'HEAD') response.send(200, file.fields);
  else return false;
  return true;
}

/** Sends 412: a precondition is false. */
export function answerFailed(request: HttpRequest, response: HttpResponse): void {
  const sentence = 'This file is not in the state that the request requires.';
  sendError(request, response, { status: 412, sentence, text: `${sentence}\n` });
}

function refuseRange(request: HttpRequest, response: HttpResponse, { size }: Representation): void {
  const sentence = `This file has ${countText(size, 'byte')}.`;
  const lines = `Content-Range: bytes */${size}\r\n`;
  sendError(request, response, { status: 416, sentence, text: `${sentence}\n`, lines });
}

/** Sends the response from memory. */
export function responseFrom(
  content: Uint8Array,
  response: HttpResponse,
  file: Representation,
  plan: FileResponse,
): void {
  if (plan === 'whole') return response.send(200, file.fields, content);
  const pieces = beginResponse(response, file, plan);
  for (const piece of pieces) {
    response.write(piece instanceof Uint8Array ? piece : content.subarray(piece.start, piece.end + 1));
  }
  response.end();
}

/** Sends the status and fields of a response with content. Returns the parts of its content. */
export function beginResponse(
  response: HttpResponse,
  file: Representation,
  plan: FileResponse,
): readonly ContentPart[] {
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
