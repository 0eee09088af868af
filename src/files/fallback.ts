// Responses of a site with a fallback page: they depend on the kind of request, and may replace an application's 404.

import type { FieldInput } from '../http/fields.ts';
import { FilteredResponse, type HeadFilter } from '../http/filtered-response.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { NAVIGATION_FIELDS, navigationOf } from '../http/navigation.ts';
import { type NextHandler, passOn } from '../http/next-handler.ts';
import { addVary } from '../http/vary.ts';

const NOT_FOUND = 404;

/** Responds to a request on the given response. */
export type Responder = (to: HttpResponse) => void | Promise<void>;

/** The possible responses to a request without a file. */
export interface MissingFile {
  readonly nextHandler: NextHandler | null | undefined;
  /** Whether its path looks like that of a page. */
  readonly isPagePath: boolean;
  readonly fallBack: Responder;
  readonly refuse: Responder;
}

/**
 * Calls the application, then sends the fallback page. A navigation gets the fallback also when the application
 * responds with 404. Other requests keep that 404, so that a missing script does not come as HTML. Without an
 * application, a request without a preference gets the fallback if its path looks like a page's.
 */
export function answerMissing(
  request: HttpRequest,
  response: HttpResponse,
  { nextHandler, isPagePath, fallBack, refuse }: MissingFile,
): void | Promise<void> {
  const navigation = navigationOf(request);
  const answer = navigation === 'page' || (navigation === 'unknown' && isPagePath) ? fallBack : refuse;
  // The application was called before, and the fallback page itself is missing or was replaced meanwhile.
  if (response instanceof VaryingResponse) return answer(response);
  const ask = (filter: HeadFilter): void | Promise<void> =>
    passOn(nextHandler, request, new FilteredResponse(response, filter), () => answer(new VaryingResponse(response)));
  if (navigation !== 'page') return ask((status, fields) => (status === NOT_FOUND ? varied(fields) : fields));
  return askReplaceably(ask, () => fallBack(new VaryingResponse(response)));
}

/** Adds to Vary the fields that tell a navigation, so that caches do not mix both responses. */
class VaryingResponse extends FilteredResponse {
  constructor(target: HttpResponse) {
    super(target, (_status, fields) => varied(fields));
  }
}

function varied(fields: FieldInput): FieldInput {
  try {
    return addVary(fields, NAVIGATION_FIELDS);
  } catch {
    // The response itself rejects such fields, with the error that handlers know.
    return fields;
  }
}

/**
 * Lets an application respond where a fallback page is configured. `replace` responds instead when the head is a 404.
 * If the application fails after that head, its error is reported after the replacement is sent.
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
