// The HTML pages that the server makes itself, in the style of the default site (html/style.css). They load nothing,
// and have no scripts.

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2126;--soft:#56606a;--rule:#dbe0e4;--link:#0a5c78;--ready:#b93c0a}
@media(prefers-color-scheme:dark){:root{--paper:#14181b;--ink:#e1e6e9;--soft:#9fabb3;--rule:#2d353b;--link:#7cc4dc;--ready:#f0935a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1.0625rem/1.65 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif;text-size-adjust:100%}
main{width:min(100% - 2.5rem,62rem);margin:2.5rem auto}
a{color:var(--link);text-underline-offset:.2em}
:focus-visible{outline:3px solid var(--ready);outline-offset:-1px}
`.trim();

export interface PageParts {
  /** Text. */
  readonly title: string;
  /** CSS of this page, after the common one. */
  readonly style: string;
  /** HTML of the main part. */
  readonly body: string;
}

export function makePage({ title, style, body }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
${STYLE}
${style}
</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
