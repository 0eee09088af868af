// Builds the documentation as a site, docs/.vitepress/dist, and checks it: each link of each page leads to a page, an
// anchor or a file that is there, and no page loads anything from elsewhere. Run by `npm run docs`. What builds it has a
// lock file of its own in docs/, and is installed when it is missing or another version.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runNpm, runOrFail } from './programs.js';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const docs = join(root, 'docs');
const site = join(docs, '.vitepress', 'dist');

function install() {
  const wanted = JSON.parse(readFileSync(join(docs, 'package.json'), 'utf8')).devDependencies.vitepress;
  const installed = join(docs, 'node_modules', 'vitepress', 'package.json');
  if (existsSync(installed) && JSON.parse(readFileSync(installed, 'utf8')).version === wanted) return;
  process.stdout.write('installing docs/package-lock.json\n');
  runNpm(['ci', '--no-audit', '--no-fund'], { cwd: docs });
}

/** The pages of the site by their addresses, such as `/zh/tutorial.html`. */
function readPages() {
  const names = readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => extname(name) === '.html');
  return new Map(names.map((name) => [`/${name}`, readFileSync(join(site, name), 'utf8')]));
}

/** What is at the address `path`: the text of a page, an empty text for another file, or undefined. */
function contentOf(pages, path) {
  const name = decodeURI(path.endsWith('/') ? `${path}index.html` : path);
  const isThere = existsSync(join(site, name)) && extname(name) !== '';
  return pages.get(name) ?? (isThere ? '' : undefined);
}

/** Why `link`, found in the page at `from`, leads nowhere; null if it does not. */
function brokenReason(pages, from, link) {
  const { pathname, hash, origin } = new URL(link.replaceAll('&amp;', '&'), `http://site${from}`);
  if (origin !== 'http://site') return null;
  const content = contentOf(pages, pathname);
  if (content === undefined) return `there is no ${pathname}`;
  const anchor = decodeURIComponent(hash.slice(1));
  return anchor === '' || content.includes(`id="${anchor}"`) ? null : `${pathname} has no anchor ${hash}`;
}

/** The tags of a page that name an address: their names and the address. */
function addresses(text) {
  return text.split('<').flatMap((part) => {
    const [tag] = part.split('>');
    const [, address] = / (?:href|src)="([^"]*)"/.exec(tag) ?? [];
    return address === undefined ? [] : [[tag.split(' ')[0], address]];
  });
}

/** Links that lead nowhere, and what a page would load from another host: scripts, styles, pictures, fonts. */
function problemsOf(pages, from, text) {
  return addresses(text).flatMap(([tag, address]) => {
    const isForeign = /^(?:https?:)?\/\//.test(address);
    if (isForeign) return tag === 'a' ? [] : [`${from} loads ${address}`];
    const reason = brokenReason(pages, from, address);
    return reason === null ? [] : [`${from}: ${address}: ${reason}`];
  });
}

install();
runOrFail(process.execPath, [join('node_modules', 'vitepress', 'bin', 'vitepress.js'), 'build'], { cwd: docs });
const pages = readPages();
const problems = [...pages].flatMap(([from, text]) => problemsOf(pages, from, text));
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
else {
  process.stdout.write(`${pages.size} pages, no broken link: docs/.vitepress/dist\n`);
  process.stdout.write('serve it: node dist/epoll-server.js 8000 docs/.vitepress/dist\n');
}
