// The answers of a site with a fallback: they depend on what kind of request asks, and an application's 404 may be
// replaced. It must not know files.

import type { FieldInput } from '../http/fields.ts';
import { FilteredResponse, type HeadFilter } from '../http/filtered-response.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { NAVIGATION_FIELDS, navigationOf } from '../http/navigation.ts';
import { passOn, type Successor } from '../http/successor.ts';
import { addVary } from '../http/vary.ts';

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
  const ask = (filter: HeadFilter): void | Promise<void> =>
    passOn(successor, request, new FilteredResponse(response, filter), () => answer(new VaryingResponse(response)));
  if (navigation !== 'page') return ask((status, fields) => (status === NOT_FOUND ? varied(fields) : fields));
  return askReplaceably(ask, () => fallBack(new VaryingResponse(response)));
}

/** Says in Vary that the answer depends on whether the request is a navigation, so that no cache mixes them. */
class VaryingResponse extends FilteredResponse {
  constructor(target: HttpResponse) {
    super(target, (_status, fields) => varied(fields));
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
 * Lets an application answer, where a fallback stands behind it: `replace` answers instead of its 404, which is known by
 * its head. A failure of the application behind that head is reported when the replacement has been sent.
 */
function askReplaceably(
  ask: (filter: HeadFilter) => void | Promise<void>,
  replace: () => void | Promise<void>,
): void | Promise<void> {
  const replaced: { by: Promise<void> | null } = { by: null };
  let result: void | Promise<void>;
  try {
    result = ask((status, fields) => {
      if (status !== NOT_FOUND) return fields;
      replaced.by = (async () => replace())();
      return null;
    });
  } catch (error) {
    if (replaced.by === null) throw error;
    result = Promise.reject(error);
  }
  if (result === undefined && replaced.by === null) return undefined;
  return (async () => result)().finally(() => replaced.by);
}
