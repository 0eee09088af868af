// What a client gets of a file that is there: all of it, parts of it, or word that it has it already.
// It must not know how files are found.

import { evaluateConditions, FAILED, NOT_MODIFIED, rangeStillHolds } from '../../http/conditions.ts';
import type { HttpRequest, HttpResponse } from '../../http/handler.ts';
import { type ByteRange, selectRanges } from './byte-ranges.ts';
import { type Content, writePart } from './content.ts';
import { contentRange, makeMultipart } from './multipart.ts';
import type { Representation } from './representation.ts';

/**
 * Answers a GET or HEAD. From memory at once; the promise of an open file's answer ends when the file is no
 * longer needed. `nowMs`: the wall clock.
 */
export function answerFile(
  request: HttpRequest,
  response: HttpResponse,
  file: Representation,
  content: Content,
  nowMs: number,
): void | Promise<void> {
  const outcome = evaluateConditions(request, file, nowMs);
  if (outcome === NOT_MODIFIED) return response.send(304, file.notModified);
  if (outcome === FAILED) return response.send(412, [['Content-Type', 'text/plain; charset=utf-8']], 'It changed.\n');
  const range = request.method === 'GET' ? request.field('range') : undefined;
  if (range !== undefined && rangeStillHolds(request.field('if-range'), file)) {
    const ranges = selectRanges(range, file.size);
    if (ranges === 'unsatisfiable') return refuseRange(response, file);
    if (ranges !== 'whole') return answerRanges(response, file, content, ranges);
  }
  return answerWhole(response, file, content, request.method === 'HEAD');
}

function answerWhole(
  response: HttpResponse,
  file: Representation,
  content: Content,
  isHead: boolean,
): void | Promise<void> {
  if (content instanceof Uint8Array) return response.send(200, file.fields, content);
  const fields = [['Content-Type', file.mediaType], ...file.pairs, ['Content-Length', file.size]] as const;
  if (isHead) return response.send(200, fields);
  response.start(200, fields);
  return finish(response, writePart(response, content, 0, file.size));
}

function refuseRange(response: HttpResponse, { size }: Representation): void {
  const fields = [
    ['Content-Range', `bytes */${size}`],
    ['Content-Type', 'text/plain; charset=utf-8'],
  ] as const;
  response.send(416, fields, `This file has ${size} bytes.\n`);
}

function answerRanges(
  response: HttpResponse,
  file: Representation,
  content: Content,
  ranges: readonly ByteRange[],
): void | Promise<void> {
  const [only] = ranges;
  return ranges.length === 1 && only !== undefined
    ? answerRange(response, file, content, only)
    : answerSeveral(response, file, content, ranges);
}

function answerRange(
  response: HttpResponse,
  file: Representation,
  content: Content,
  { start, end }: ByteRange,
): void | Promise<void> {
  const fields = [
    ['Content-Type', file.mediaType],
    ...file.pairs,
    ['Content-Range', contentRange(start, end, file.size)],
    ['Content-Length', end - start + 1],
  ] as const;
  if (content instanceof Uint8Array) return response.send(206, fields, content.subarray(start, end + 1));
  response.start(206, fields);
  return finish(response, writePart(response, content, start, end + 1));
}

async function answerSeveral(
  response: HttpResponse,
  file: Representation,
  content: Content,
  ranges: readonly ByteRange[],
): Promise<void> {
  const { mediaType, parts, tail, length } = makeMultipart(ranges, file.mediaType, file.size);
  response.start(206, [['Content-Type', mediaType], ...file.pairs, ['Content-Length', length]]);
  for (const { head, start, end } of parts) {
    response.write(head);
    if (!(await writePart(response, content, start, end + 1))) return;
  }
  response.end(tail);
}

async function finish(response: HttpResponse, written: Promise<boolean>): Promise<void> {
  if (await written) response.end();
}
