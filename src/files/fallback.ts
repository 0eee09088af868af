// Responses of a site with a fallback page: they depend on the kind of request, and may replace an application's 404.

import type { FieldInput } from '../http/fields.ts';
import { FilteredResponse } from '../http/filtered-response.ts';
import type { HttpRequest, HttpResponse } from '../http/handler.ts';
import { NAVIGATION_FIELDS, navigationOf } from '../http/navigation.ts';
import { type NextHandler, passOn } from '../http/next-handler.ts';
import { respondOrElse } from '../http/other-response.ts';
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
  const ask = (to: HttpResponse): void | Promise<void> =>
    passOn(nextHandler, request, to, () => answer(new VaryingResponse(response)));
  if (navigation !== 'page')
    return ask(new FilteredResponse(response, (status, fields) => (status === NOT_FOUND ? varied(fields) : fields)));
  const isMissing = (status: number): boolean => status === NOT_FOUND;
  return respondOrElse(response, ask, isMissing, () => fallBack(new VaryingResponse(response)));
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
