// The table of error codes in README.md. A row is recognised by its first cell.

/** `| \`ERR_OPTION\` | ... |` */
const ERROR_ROW = /^\| `(ERR_[A-Z_]+)` *\|/gm;

export function errorRows(readme: string): readonly string[] {
  return [...readme.matchAll(ERROR_ROW)].map(([, code]) => code ?? '');
}
