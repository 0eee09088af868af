// Parses the first argument of startResponse: a status, a space and a reason phrase (PEP 3333), once per text.

import { isReasonPhrase, reasonPhrase } from '../http/status.ts';

export interface StatusLine {
  readonly status: number;
  /** Undefined: the standard one. */
  readonly reason: string | undefined;
}

export const NO_STATUS: StatusLine = { status: 0, reason: undefined };

const STATUS = /^[2-5][0-9]{2}(?: |$)/;

/** Applications have a handful of texts. One that makes a new text for each request has it parsed each time. */
const MAX_LINES = 64;

export class StatusLines {
  readonly #lines = new Map<string, StatusLine>();

  /** The status and reason; undefined: `text` is malformed. */
  parse(text: string): StatusLine | undefined {
    const known = this.#lines.get(text);
    if (known !== undefined) return known;
    const parsed = parse(text);
    if (parsed !== undefined && this.#lines.size < MAX_LINES) this.#lines.set(text, parsed);
    return parsed;
  }
}

function parse(text: unknown): StatusLine | undefined {
  if (typeof text !== 'string' || !STATUS.test(text) || !isReasonPhrase(text)) return undefined;
  const status = Number(text.slice(0, 3));
  const reason = text.slice(4);
  const isStandard = text.length === 3 || reason === reasonPhrase(status);
  return { status, reason: isStandard ? undefined : reason };
}
