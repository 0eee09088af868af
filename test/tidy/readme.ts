// What tests read in README.md and docs/: the tables of error codes, and the figures of the comparison with other servers.

/** `| \`ERR_OPTION\` | ... |` */
const ERROR_ROW = /^\| `(ERR_[A-Z_]+)` *\|/gm;

export function errorRows(page: string): readonly string[] {
  return [...page.matchAll(ERROR_ROW)].map(([, code]) => code ?? '');
}

/** A row of measurements; the number in brackets is that of its source. */
const FIGURE_ROW = /^\|[^|]*\((\d)\) +\|(.+)\|$/gm;

/** The figures of each source, by its number: `['1', '12.5']`. */
export function figures(readme: string): readonly (readonly [string, string])[] {
  return [...readme.matchAll(FIGURE_ROW)].flatMap(([, source = '', cells = '']) =>
    [...cells.matchAll(/\d[\d.,]*/g)].map(([figure]) => [source, figure] as const),
  );
}

/** The page that a source names in its line: `1. ... [Comparing models](docs/models.md)`. */
export function sourcePage(readme: string, source: string): string {
  const [, text = ''] = new RegExp(`^${source}\\. ([^]*?)(?=\\n\\d\\. |\\n\\n)`, 'm').exec(readme) ?? [];
  return /\]\((docs\/[\w-]+\.md)\)/.exec(text)?.[1] ?? '';
}
