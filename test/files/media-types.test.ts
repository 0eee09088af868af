// Tests that media types are those of nginx and Apache, except for differences with a reason, and that a site can set its
// own.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { parseArguments } from '../../src/cli/arguments.ts';
import { resolveSettings } from '../../src/config/resolve.ts';
import { isCompressible, MediaTypes } from '../../src/files/media-types.ts';
import { isMediaType } from '../../src/options/kinds.ts';
import { ask, get } from '../support/client.ts';
import { folder } from '../support/folder.ts';
import { REPOSITORY } from '../support/program.ts';
import { start } from '../support/serving.ts';

const SOURCE = readFileSync(`${REPOSITORY}test/files/media-types.txt`, 'utf8');

/** Types by extension in `server`. */
function listOf(server: string): ReadonlyMap<string, string> {
  const [, section = ''] = SOURCE.split(`[${server}]\n`);
  const lines = section.split('\n[', 1).join().split('\n');
  const pairs = lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap((line) => {
      const [type = '', ...endings] = line.split(' ');
      return endings.map((ending) => [ending, type] as const);
    });
  return new Map(pairs);
}

const bare = new MediaTypes({}, '');

/** Types that differ here, by server and by reason. */
const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  nginx: {
    'registered since, or the name that is preferred now (RFC 9239, RFC 7903, RFC 4337, IANA)': {
      js: 'text/javascript',
      bmp: 'image/bmp',
      ico: 'image/vnd.microsoft.icon',
      m4a: 'audio/mp4',
      rar: 'application/vnd.rar',
      xml: 'application/xml',
    },
    'another meaning of the ending': { prc: 'model/prc', pdb: 'application/vnd.palm' },
    'as Apache has it': { ra: 'audio/x-pn-realaudio' },
  },
  apache: {
    'registered since, or the name that is preferred now (RFC 7903, RFC 6713, IANA)': {
      aac: 'audio/aac',
      emf: 'image/emf',
      fdf: 'application/fdf',
      ico: 'image/vnd.microsoft.icon',
      jpgm: 'image/jpm',
      jpm: 'image/jpm',
      obj: 'model/obj',
      pcx: 'image/vnd.zbrush.pcx',
      rar: 'application/vnd.rar',
      sql: 'application/sql',
      stl: 'model/stl',
      wav: 'audio/wav',
      wmf: 'image/wmf',
      wmz: 'application/x-ms-wmz',
      x3db: 'model/x3d+fastinfoset',
      x3dv: 'model/x3d-vrml',
      xfdf: 'application/xfdf',
      xlf: 'application/xliff+xml',
    },
    'as nginx has it': {
      deb: 'application/octet-stream',
      dll: 'application/octet-stream',
      dmg: 'application/octet-stream',
      exe: 'application/octet-stream',
      iso: 'application/octet-stream',
      msi: 'application/octet-stream',
    },
    'another meaning of the ending': { asc: 'application/pgp-keys', prc: 'model/prc' },
  },
};

test.each([
  ['nginx', 110],
  ['apache', 992],
])('all extensions of %s are known', (server, count) => {
  const list = listOf(server);
  expect(list.size).toBe(count);
  const different = [...list].filter(([ending, type]) => bare.of(`x.${ending}`) !== type);
  const ours = different.map(([ending]) => [ending, bare.of(`x.${ending}`)]);
  const explained = Object.assign({}, ...Object.values(DIFFERENCES[server] ?? {}));
  expect(Object.fromEntries(ours)).toEqual(explained);
});

test.each([
  ['ico', 'image/vnd.microsoft.icon'],
  ['m4v', 'video/x-m4v'],
  ['m3u8', 'application/vnd.apple.mpegurl'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['7z', 'application/x-7z-compressed'],
  ['eot', 'application/vnd.ms-fontobject'],
  ['mkv', 'video/x-matroska'],
  ['flac', 'audio/x-flac'],
  ['apk', 'application/vnd.android.package-archive'],
  ['tgz', 'application/gzip'],
  ['tar.gz', 'application/gzip'],
  ['txz', 'application/x-xz'],
  ['zst', 'application/zstd'],
  ['mpp', 'application/vnd.ms-project'],
  ['ts', 'video/mp2t'],
  ['mjs', 'text/javascript; charset=utf-8'],
  ['webmanifest', 'application/manifest+json; charset=utf-8'],
  ['wasm', 'application/wasm'],
  ['avif', 'image/avif'],
  ['woff2', 'font/woff2'],
  ['map', 'application/json; charset=utf-8'],
  ['constructor', 'application/octet-stream'],
  ['__proto__', 'application/octet-stream'],
])('.%s is %s', (ending, type) => {
  const types = new MediaTypes();
  for (const name of [`a.${ending}`, `some.folder/A.${ending.toUpperCase()}`]) {
    if (!ending.startsWith('__')) expect(types.of(name), name).toBe(type);
  }
  expect(types.of(ending), 'a name without a dot').toBe(ending === 'tar.gz' ? type : 'application/octet-stream');
  expect(types.of(`some.${ending}/readme`), 'the ending of a folder').toBe('application/octet-stream');
});

test('types that a site sets are compressed and have a charset like others', async () => {
  const text = 'x'.repeat(2_000);
  const root = await folder({ 'a.glsl': text, 'a.md': text, 'a.bin': text, 'a.txt': text });
  const types = { '.glsl': 'text/plain', '.MD': 'text/markdown;charset=latin1', '.txt': 'application/octet-stream' };
  const { port } = await start({ static: { root, types } });
  const fieldsOf = async (name: string): Promise<readonly (string | undefined)[]> => {
    const { field } = await ask(port, get(`/${name}`, 'Accept-Encoding: gzip'));
    return [field('content-type'), field('content-encoding')];
  };
  expect(await fieldsOf('a.glsl')).toEqual(['text/plain; charset=utf-8', 'gzip']);
  expect(await fieldsOf('a.md')).toEqual(['text/markdown;charset=latin1', 'gzip']);
  expect(await fieldsOf('a.bin')).toEqual(['application/octet-stream', undefined]);
  expect(await fieldsOf('a.txt')).toEqual(['application/octet-stream', undefined]);
});

test('--type may be repeated', () => {
  const { settings } = resolveSettings(
    parseArguments(['--type', '.a=text/a', '--type', '.b=text/b; c="d;e"']).settings,
  );
  expect(settings.type).toEqual({ '.a': 'text/a', '.b': 'text/b; c="d;e"' });
});

test('.svgz is sent with Content-Encoding, also with ranges and 304, and .tgz without', async () => {
  const svgz = gzipSync('<svg xmlns="http://www.w3.org/2000/svg"/>'.repeat(100));
  const big = Buffer.concat([svgz, Buffer.alloc(200_000)]);
  const root = await folder({ 'a.svgz': svgz, 'b.SVGZ': svgz, 'big.svgz': big, 'a.tgz': svgz, 'a.svg.gz': svgz });
  const { port } = await start({ static: root });
  for (const name of ['a.svgz', 'b.SVGZ', 'big.svgz']) {
    for (const accept of ['Accept-Encoding: br, gzip', 'Accept-Encoding: identity', 'X-None: 1']) {
      const answer = await ask(port, get(`/${name}`, accept));
      expect([answer.field('content-type'), answer.field('content-encoding'), answer.field('vary')]).toEqual([
        'image/svg+xml; charset=utf-8',
        'gzip',
        undefined,
      ]);
      expect(answer.content.subarray(0, svgz.length)).toEqual(svgz);
    }
  }
  const part = await ask(port, get('/a.svgz', 'Range: bytes=0-9'));
  expect([part.status, part.field('content-encoding'), part.content]).toEqual([206, 'gzip', svgz.subarray(0, 10)]);
  for (const name of ['a.tgz', 'a.svg.gz']) {
    const { field } = await ask(port, get(`/${name}`, 'Accept-Encoding: gzip'));
    expect([field('content-type'), field('content-encoding')]).toEqual(['application/gzip', undefined]);
  }
  const own = await start({ static: { root, types: { '.svgz': 'application/octet-stream' } } });
  expect((await ask(own.port, get('/a.svgz'))).field('content-encoding')).toBeUndefined();
});

test('text and uncompressed types are compressed', () => {
  for (const name of [
    'a.js',
    'a.svg',
    'a.json',
    'a.xml',
    'a.wasm',
    'a.ttf',
    'a.otf',
    'a.eot',
    'a.ico',
    'a.tar',
    'a.rtf',
  ])
    expect(isCompressible(bare.of(name)), name).toBe(true);
  for (const name of ['a.svgz.png', 'a.woff2', 'a.woff', 'a.docx', 'a.7z', 'a.mkv', 'a.apk', 'a.tgz', 'a.pdf', 'a.bin'])
    expect(isCompressible(bare.of(name)), name).toBe(false);
  expect(isCompressible('Application/WASM ; x=y')).toBe(true);
});

test('a media type follows the grammar of RFC 9110', () => {
  for (const type of ['a/b', 'text/plain;charset=utf-8', 'a/b ; c="d;\\"e" ;f=g', "x!#$%&'*+-.^_`|~/1"])
    expect(isMediaType(type), type).toBe(true);
  for (const type of [
    '',
    'a',
    'a/',
    '/b',
    'a/b/c',
    'a /b',
    'a/b;c',
    'a/b;c=',
    'a/b;c="d',
    'a/b\r\n',
    'a/b, c/d',
    'ä/b',
  ])
    expect(isMediaType(type), type).toBe(false);
});
