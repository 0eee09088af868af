// The table of conformance cases, in the order in which they run.

import type { Case } from './case.ts';
import { CHUNKS } from './cases/chunks.ts';
import { CONNECTIONS, ENDS } from './cases/connection.ts';
import { CONTENT_LENGTH } from './cases/content-length.ts';
import { FIELDS } from './cases/fields.ts';
import { HOSTS } from './cases/host.ts';
import { REQUEST_LINE } from './cases/request-line.ts';
import { EXPECTATIONS, METHODS } from './cases/semantics.ts';
import { APPLICATIONS, FILES, LIMIT_CASES } from './cases/site.ts';
import { TRANSFER_ENCODING } from './cases/transfer-encoding.ts';
import { UNREAD_CONTENT } from './cases/unread.ts';

export const CASES: readonly Case[] = [
  ...REQUEST_LINE,
  ...FIELDS,
  ...HOSTS,
  ...CONTENT_LENGTH,
  ...TRANSFER_ENCODING,
  ...CHUNKS,
  ...METHODS,
  ...EXPECTATIONS,
  ...CONNECTIONS,
  ...ENDS,
  ...UNREAD_CONTENT,
  ...LIMIT_CASES,
  ...FILES,
  ...APPLICATIONS,
];

/** The names of the groups, in that order. */
export const GROUPS: readonly string[] = [...new Set(CASES.map(({ group }) => group))];
