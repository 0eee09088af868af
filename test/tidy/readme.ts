// The tables of README.md: flags, bounds and error codes. A row is recognised by its first cell.

/** `| \`--port\`, \`-p\` PORT | ... |` */
const FLAG_ROW = /^\| `--([a-z-]+)`(?:, `-([a-zA-Z])`)? ?((?:\\.|[^|\\])*?) *\|/gm;

/** `| \`maxHeaderBytes\` | 16384 | ... |`, thousands separated by commas or not. */
const LIMIT_ROW = /^\| `([a-z]+(?:[A-Z][a-z]*)*)` *\| *`?([\d,_]+)`? *\|/gm;

/** `| \`ERR_OPTION\` | ... |` */
const ERROR_ROW = /^\| `(ERR_[A-Z_]+)` *\|/gm;

/** The flags as `--name -short VALUE`. */
export function flagRows(readme: string): readonly string[] {
  return [...readme.matchAll(FLAG_ROW)].map(([, name = '', short, value = '']) =>
    flagText(name, short, value.replaceAll('\\', '').replaceAll('`', '')),
  );
}

export function flagText(name: string, short: string | undefined, value: string | undefined): string {
  return `--${name}${short === undefined ? '' : ` -${short}`}${value === undefined || value === '' ? '' : ` ${value}`}`;
}

/** The bounds as `name = default`. */
export function limitRows(readme: string): readonly string[] {
  return [...readme.matchAll(LIMIT_ROW)].map(([, name, value]) => `${name} = ${value?.replaceAll(/[,_]/g, '')}`);
}

export function errorRows(readme: string): readonly string[] {
  return [...readme.matchAll(ERROR_ROW)].map(([, code]) => code ?? '');
}
