// The folders that the servers of a fuzz run serve: a root, a mount and a virtual host. Their files cover every way of
// serving a file.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const WORDS = ['readiness', 'queue', 'descriptor', 'edge', 'turn', 'deadline', 'request', 'answer', 'window', 'chunk'];

/** `bytes` of compressible text that differs from line to line. */
export function textOf(bytes) {
  const lines = [];
  for (let length = 0, i = 0; length < bytes; i++) {
    const line = `${i} ${WORDS[i % WORDS.length]} ${WORDS[(i * 7) % WORDS.length]} ${(i * 2654435761) >>> 0}\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join('').slice(0, bytes);
}

/** The content of files that must never be served. */
export const SECRET = 'the secret of this run';

/** Files with known content: path in the root, content. */
export const FILES = {
  'small.txt': textOf(300),
  'page.html': `<!doctype html><title>page</title>${textOf(4_000)}`,
  'folder/index.html': '<!doctype html><title>index</title>',
  'large.txt': textOf(700_000),
  'large.bin': textOf(2_500_000),
};

/** Creates the folders; `remove` deletes them. */
export function makeTestSite() {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  const [root, mount, vhost] = ['root', 'mount', 'vhost'].map((name) => join(folder, name));
  for (const each of [join(root, 'folder'), join(root, 'list', 'deep'), mount, vhost]) {
    mkdirSync(each, { recursive: true });
  }
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(root, name), content);
  for (let i = 0; i < 40; i++) writeFileSync(join(root, 'list', `entry ${i} <&>%.txt`), textOf(i * 100));
  writeFileSync(join(root, 'sibling.css'), 'a{}');
  writeFileSync(join(root, 'sibling.css.gz'), gzipSync('a{}'));
  writeFileSync(join(root, '404.html'), '<!doctype html><title>missing</title>');
  writeFileSync(join(root, '.hidden'), SECRET);
  writeFileSync(join(folder, 'secret.txt'), SECRET);
  symlinkSync(join(folder, 'secret.txt'), join(root, 'link.txt'));
  writeFileSync(join(mount, 'mounted.txt'), FILES['small.txt']);
  writeFileSync(join(vhost, 'index.html'), 'virtual');
  return { folder, root, mount, vhost, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
