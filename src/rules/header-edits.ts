// Changes of response fields that were decided at the start. The result is kept with the fields that it was made of, so
// for a response with precompiled fields it costs a comparison.

import { extendFields, PrecompiledFields } from '../http/fields.ts';
import type { HeaderEdit } from '../options/header-rule.ts';

/** Fields of which PrecompiledFields keeps that it has them. */
const KNOWN: ReadonlySet<string> = new Set(['server', 'date']);

const LINE_END = '\r\n';

export class HeaderEdits {
  /** Names in lower case of fields that are removed, or replaced by one of the appended. */
  readonly #dropped: ReadonlySet<string>;
  /** Bit n: a dropped name has n bytes, modulo 32. */
  readonly #droppedLengths: number;
  readonly #appended: readonly (readonly [string, string])[];
  /** The same as lines. Null: PrecompiledFields has to see them. */
  readonly #lines: string | null;

  /** `edits`: in the order in which they apply. */
  constructor(edits: readonly HeaderEdit[]) {
    const dropped = new Set<string>();
    let appended: (readonly [string, string])[] = [];
    for (const { kind, name, value } of edits) {
      const lower = name.toLowerCase();
      if (kind !== 'add') {
        dropped.add(lower);
        appended = appended.filter(([each]) => each.toLowerCase() !== lower);
      }
      if (kind !== 'remove') appended.push([name, value]);
    }
    this.#dropped = dropped;
    this.#droppedLengths = [...dropped].reduce((bits, name) => bits | (1 << name.length), 0);
    this.#appended = appended;
    const isPlain = !appended.some(([name]) => KNOWN.has(name.toLowerCase()));
    this.#lines = isPlain ? new PrecompiledFields(appended).lines : null;
  }

  apply(fields: PrecompiledFields): PrecompiledFields {
    const { edited } = fields;
    if (edited !== null && edited.by === this) return edited.fields;
    const made = this.#make(fields);
    fields.edited = { by: this, fields: made };
    return made;
  }

  #make(fields: PrecompiledFields): PrecompiledFields {
    if (this.#lines !== null && !this.#drops(fields.lines))
      return extendFields(fields, this.#lines, fields.contentLength);
    const kept = fields.pairs().filter(([name]) => !this.#dropped.has(name.toLowerCase()));
    return new PrecompiledFields([...kept, ...this.#appended]);
  }

  /** Whether `lines` has a field that is dropped. */
  #drops(lines: string): boolean {
    for (let at = 0; at < lines.length; at = lines.indexOf(LINE_END, at) + LINE_END.length) {
      const colon = lines.indexOf(':', at);
      if ((this.#droppedLengths & (1 << (colon - at))) === 0) continue;
      if (this.#dropped.has(lines.slice(at, colon).toLowerCase())) return true;
    }
    return false;
  }
}
