// Another response in place of one that is dropped when its head is known.

import type { FieldInput } from './fields.ts';
import { FilteredResponse } from './filtered-response.ts';
import type { HttpResponse } from './handler.ts';

type Outcome = void | PromiseLike<void>;

/**
 * Calls `first`, whose promise is pending while it has not responded. If it begins a response that `isOther` names, that
 * is dropped, and `otherwise` responds instead. If `first` fails after that, its error is reported when the other response
 * was sent.
 */
export function respondOrElse(
  response: HttpResponse,
  first: (to: HttpResponse) => Outcome,
  isOther: (status: number, fields: FieldInput) => boolean,
  otherwise: (to: HttpResponse) => Outcome,
): void | Promise<void> {
  let isDropped = false;
  let replace: (by: Promise<void>) => void = () => {};
  /** Pending for ever unless the response is dropped. */
  const other = new Promise<void>((resolve) => {
    replace = resolve;
  });
  // It may fail while nothing waits for it, since `first` still runs, or has failed itself.
  other.catch(() => {});
  const filtered = new FilteredResponse(response, (status, fields) => {
    if (!isOther(status, fields)) return fields;
    isDropped = true;
    // An async function, so that it rejects where `otherwise` throws.
    replace((async () => otherwise(response))());
    return null;
  });
  const failed = async (error: unknown): Promise<void> => {
    if (isDropped) await new Promise<void>((resolve) => response.whenSent(() => resolve()));
    throw error;
  };
  let result: Outcome;
  try {
    result = first(filtered);
  } catch (error) {
    if (!isDropped) throw error;
    result = failed(error);
  }
  if (result === undefined) return isDropped ? other : undefined;
  const both = Promise.resolve(result).then(() => (isDropped ? other : undefined), failed);
  return Promise.race([both, other.then(() => both)]);
}
