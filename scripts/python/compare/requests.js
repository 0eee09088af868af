// The requests that are compared: for each application all that reaches its environ, and then what it has of its own.

/** What a stack has said to one client: its cookies, and the token of the last form. */
export class ClientState {
  #cookies = new Map();
  #token = '';

  keep({ fields, body }) {
    for (const line of fields.get('set-cookie') ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      this.#cookies.set(name, value);
    }
    this.#token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(body.toString())?.[1] ?? this.#token;
  }

  get cookie() {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  get token() {
    return this.#token;
  }
}

/** Fields are latin1, a byte for each character, so that any byte can be sent. */
function message(method, target, fields, body, { version = '1.1' } = {}) {
  const lines = [['Host', '127.0.0.1'], ...fields, ['Connection', 'close']].map(([name, value]) => `${name}: ${value}`);
  const head = `${method} ${target} HTTP/${version}\r\n${lines.join('\r\n')}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

/** A request that is the same for all. `isSession`: with the cookies and the token that the stack gave. */
function request(method, target, { fields = [], body = '', isSession = false, name = '', ...how } = {}) {
  const what = name === '' ? '' : ` (${name})`;
  return {
    name: `${method} ${target.length > 60 ? `${target.slice(0, 60)}...` : target}${what}`,
    method,
    target,
    fields,
    isSession,
    bytes(state) {
      const content = typeof body === 'function' ? body(state) : body;
      const all = [...fields];
      if (isSession && state.cookie !== '') all.push(['Cookie', state.cookie]);
      const isChunked = fields.some(([field]) => field === 'Transfer-Encoding');
      const has = content.length > 0 || ['POST', 'PUT', 'PATCH'].includes(method);
      if (has && !isChunked) all.push(['Content-Length', Buffer.byteLength(content)]);
      return message(method, target, all, content, how);
    },
  };
}

const get = (target, options) => request('GET', target, options);
const withField = (path, name, ...values) =>
  get(path, { fields: values.map((value) => [name, value]), name: `${name}: ${values.join(' + ')}`.slice(0, 60) });
const urlEncoded = (method, target, body, options) =>
  request(method, target, { fields: [['Content-Type', 'application/x-www-form-urlencoded']], body, ...options });

const BOUNDARY = 'a-boundary';

/** `parts`: name, file name (empty: none), content. */
function multipart(target, parts, options = {}) {
  const pieces = parts.flatMap(([name, file, content]) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file === '' ? '' : `; filename="${file}"`}\r\n`,
    `${file === '' ? '' : 'Content-Type: application/octet-stream\r\n'}\r\n`,
    content,
    '\r\n',
  ]);
  const body = Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece)));
  const fields = [['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`]];
  return request('POST', target, { fields, body, ...options });
}

/** `extension`: behind each size; `trailers`: lines behind the last chunk. */
function chunked(method, target, chunks, { extension = '', trailers = '', fields = [], name = 'chunked' } = {}) {
  const pieces = chunks.map((text) => `${Buffer.byteLength(text).toString(16)}${extension}\r\n${text}\r\n`);
  const body = `${pieces.join('')}0\r\n${trailers}\r\n`;
  return request(method, target, { fields: [['Transfer-Encoding', 'chunked'], ...fields], body, name });
}

const PATHS = [
  ...['', 'a', 'a/b/', 'a%2Fb', 'a%2fb', 'a%20b', 'a+b', 'a%2Bb', '%E6%96%87/%e4%bb%b6', '%FF%FE', 'a%25b', 'a%252Fb'],
  ...[
    'a//b',
    '/a',
    'a///',
    'a;p=1',
    "a:b@c!$&'()*,=",
    'a%3Fb%23c',
    '~a-._',
    '%7Ea',
    'a%0Ab',
    'a%00b',
    '%2e%2e/a',
    'a%09b',
    `long/${'x'.repeat(3000)}`,
  ],
  ...['?', '?a=b&c=d', '?a=%E6%96%87&b=+&c=%2B', '?a=1&a=2', '?%zz', '?a?b/c', '?a=b%00c', `?${'q=1&'.repeat(500)}`],
];

const FIELDS = [
  ['Accept', 'text/html;q=0.5, */*'],
  ['Accept-Encoding', 'gzip, br'],
  ['Accept-Language', 'zh', 'en;q=0.5'],
  ['Authorization', 'Basic YTpi'],
  ['Cookie', 'a=1; b="2 3"; c=\xe6\x96\x87'],
  ['Cookie', 'a=1', 'b=2'],
  ['X-Repeated', 'one', 'two', 'three'],
  ['X_Under', 'one'],
  ['Proxy', 'http://127.0.0.1:1/'],
  ['X-Empty', ''],
  ['X-Spaces', '   a  b\t c  '],
  ['X-Utf8', '\xe6\x96\x87'],
  ['X-Latin', 'caf\xe9'],
  ['X-Long', 'y'.repeat(4000)],
  ['X-Quoted', '"a, b", c'],
  ["X!#$%&'*+.^`|~", 'a token'],
  ['x-LOWER-case', 'a'],
  ['Content-Type', 'text/plain'],
  ['X-Forwarded-For', '192.0.2.1'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Host', 'example.org'],
  ['Forwarded', 'for=192.0.2.1'],
  ['TE', 'trailers'],
  ['Upgrade', 'example'],
  ['Keep-Alive', 'timeout=5'],
  ['Proxy-Connection', 'keep-alive'],
  ['If-None-Match', '*'],
  ['Range', 'bytes=0-3'],
  ['Max-Forwards', '3'],
  ['Referer', 'http://127.0.0.1/%E6%96%87'],
  ['Script-Name', '/forged'],
  ['Remote-Addr', '192.0.2.1'],
];

/** What reaches an application, as its view `base` sees it. */
function environs(base) {
  return [
    ...PATHS.map((path) => get(base + path)),
    ...FIELDS.map(([name, ...values]) => withField(base, name, ...values)),
    get(base, {
      fields: Array.from({ length: 60 }, (_, number) => [`X-Field-${number}`, `${number}`]),
      name: '60 fields',
    }),
    get(base, { version: '1.0', name: 'HTTP/1.0' }),
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND', 'SEARCH'].map((method) =>
      request(method, base),
    ),
  ];
}

/** Content of requests, as `target` sees it. */
function contents(target) {
  const text = ['Content-Type', 'text/plain; charset=utf-8'];
  return [
    ...[1, 1_000, 70_000].map((size) =>
      request('POST', target, { fields: [text], body: 'z'.repeat(size), name: `${size} bytes` }),
    ),
    request('PUT', target, { body: Buffer.from('\x00\x01\xff', 'latin1'), name: 'bytes' }),
    request('POST', target, { body: 'no type', name: 'without a type' }),
    request('POST', target, { fields: [['Content-Type', '']], body: 'a', name: 'an empty type' }),
    request('POST', target, { fields: [text, ['Expect', '100-continue']], body: 'a', name: 'Expect' }),
    chunked('POST', target, ['a', 'bc', 'd'.repeat(5000)], { fields: [text] }),
    chunked('POST', target, [], { name: 'chunked, empty' }),
    chunked('PUT', target, ['abc'], { extension: ';a=b', name: 'chunks with extensions' }),
    chunked('POST', target, ['abc'], { trailers: 'X-Trailer: a\r\n', name: 'chunks with a trailer' }),
    chunked('PATCH', target, Array(100).fill('xy'), { name: '100 chunks' }),
  ];
}

const sessionOf = (list) =>
  list.map(([method, target, options]) => request(method, target, { ...options, isSession: true }));

/** Ranges and conditions on a download. */
function downloads(target) {
  const date = 'Fri, 01 Jan 2100 00:00:00 GMT';
  return [
    get(target),
    request('HEAD', target),
    ...[
      'bytes=3-9',
      'bytes=-5',
      'bytes=5-',
      'bytes=0-0',
      'bytes=100000-',
      'bytes=0-1,3-4',
      'lines=1-2',
      'bytes=9-3',
    ].map((range) => withField(target, 'Range', range)),
    withField(target, 'If-Modified-Since', date),
    withField(target, 'If-Modified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'),
    withField(target, 'If-Modified-Since', 'nonsense'),
    withField(target, 'If-Unmodified-Since', 'Thu, 01 Jan 1970 00:00:00 GMT'),
    withField(target, 'If-None-Match', '"other"'),
    get(target, {
      fields: [
        ['Range', 'bytes=0-3'],
        ['If-Range', '"other"'],
      ],
      name: 'If-Range with another tag',
    }),
    get(target, {
      fields: [
        ['Range', 'bytes=0-3'],
        ['If-Range', date],
      ],
      name: 'If-Range with another date',
    }),
  ];
}

const statics = (file) => [
  get(`/static/${file}`, { fields: [['Accept-Encoding', 'identity']], name: 'identity' }),
  ...downloads(`/static/${file}`),
  get('/static/none.css'),
  get('/static/%E6%96%87.txt'),
  get('/static/a%20b.txt'),
  get('/static/../static/a%20b.txt'),
  get('/static/%2e%2e/%2e%2e/etc/passwd'),
  get('/static'),
  request('POST', `/static/${file}`),
];

const BIG = Buffer.alloc(3_000_000, 'upload of three megabytes ');

export const REQUESTS = {
  flask: [
    ...environs('/dump/a/').filter(({ method }) => ['GET', 'HEAD', 'OPTIONS'].includes(method)),
    ...['POST', 'PUT', 'PATCH', 'DELETE', 'SEARCH', 'HEAD'].map((method) => request(method, '/dump')),
    get('/dump'),
    get('/dump?a=b'),
    get('//dump'),
    get('/dump//a'),
    get('/./dump'),
    get('/x/../dump'),
    get('http://127.0.0.1/dump?absolute=form'),
    ...contents('/dump'),
    ...contents('/echo'),
    request('POST', '/echo', { body: BIG, name: '3 MB' }),
    get('/form?a=1&b=2&a=3&%E6%96%87=%E4%BB%B6&c'),
    urlEncoded('POST', '/form', 'a=1&a=2&b=%E6%96%87&c=+%2B'),
    urlEncoded('POST', '/form?q=1', ''),
    multipart('/form', [
      ['a', '', '1'],
      ['b', 'one.bin', 'content'],
      ['b', 'two.bin', '\x00\r\n'],
    ]),
    multipart('/form', [['file', '\u6587.bin', BIG]], { name: '3 MB' }),
    multipart('/upload', [['file', 'large.bin', BIG]]),
    multipart('/upload', [['other', 'a', 'b']], { name: 'without the file' }),
    withField('/form', 'Cookie', 'a=1; b="2"; c=%20; a=3'),
    ...[200, 201, 202, 203, 204, 206, 207, 299, 300, 304, 400, 401, 402, 403, 404, 409, 410, 418, 422, 429, 451].map(
      (code) => get(`/status/${code}`),
    ),
    ...[500, 501, 502, 503, 504, 599].map((code) => get(`/status/${code}`)),
    ...[200, 204, 304, 404, 500].map((code) => request('HEAD', `/status/${code}`)),
    get('/fields'),
    request('HEAD', '/fields'),
    ...[301, 302, 303, 307, 308].map((code) => get(`/moved/${code}`)),
    get('/folder'),
    get('/folder/'),
    request('POST', '/folder'),
    get('/tagged'),
    withField('/tagged', 'If-None-Match', '"a tag"'),
    withField('/tagged', 'If-None-Match', 'W/"a tag", "b"'),
    withField('/tagged', 'If-None-Match', '"other"'),
    withField('/tagged', 'If-Modified-Since', 'Sun, 13 Sep 2020 12:26:40 GMT'),
    ...downloads('/file'),
    ...[0, 16, 65_536, 5_000_000].map((size) => get(`/large/${size}`)),
    request('HEAD', '/large/65536'),
    ...[1, 1_000, 70_000].map((size) => get(`/pieces/${size}`)),
    get('/pieces/1000', { version: '1.0', name: 'HTTP/1.0' }),
    request('HEAD', '/pieces/1000'),
    get('/stream'),
    get('/announced'),
    request('HEAD', '/announced'),
    get('/nothing'),
    request('HEAD', '/nothing'),
    get('/none'),
    get('/fail'),
    request('HEAD', '/fail'),
    get('/secret'),
    request('DELETE', '/'),
    request('OPTIONS', '/'),
    ...sessionOf([
      ['GET', '/'],
      ['POST', '/login', { fields: [['Content-Type', 'application/x-www-form-urlencoded']], body: 'name=Ann+%3Cb%3E' }],
      ['GET', '/'],
      ['GET', '/count'],
      ['GET', '/count'],
      ['GET', '/count'],
    ]),
  ],
  django: [
    ...environs('/dump/'),
    ...contents('/dump/'),
    get('/dump'),
    get('//dump/'),
    multipart('/upload/?q=1', [
      ['a', '', '1'],
      ['file', 'a.bin', 'content'],
    ]),
    multipart('/upload/', [['file', 'large.bin', BIG]], { name: '3 MB' }),
    urlEncoded('POST', '/upload/', 'a=1&a=2&b=%E6%96%87'),
    request('POST', '/only-post/'),
    get('/only-post/'),
    ...downloads('/file/'),
    get('/stream/'),
    request('HEAD', '/stream/'),
    get('/tagged/'),
    withField('/tagged/', 'If-None-Match', '"a tag"'),
    withField('/tagged/', 'If-Match', '"other"'),
    get('/fail/'),
    get('/empty/'),
    get('/none'),
    ...statics('admin/css/base.css'),
    ...sessionOf([
      ['GET', '/admin/'],
      ['GET', '/admin/login/?next=/admin/'],
      [
        'POST',
        '/admin/login/?next=/admin/',
        {
          fields: [['Content-Type', 'application/x-www-form-urlencoded']],
          body: ({ token }) => `csrfmiddlewaretoken=${token}&username=admin&password=a+long+secret`,
        },
      ],
      ['GET', '/admin/'],
      ['GET', '/admin/auth/user/'],
      ['GET', '/admin/auth/user/1/change/'],
      ['GET', '/admin/logout/'],
      ['GET', '/admin/'],
      ['POST', '/admin/login/', { body: 'no token' }],
    ]),
  ],
  pyramid: [
    ...environs('/dump/'),
    ...contents('/dump/a'),
    get('/hello'),
    request('HEAD', '/hello'),
    get('/hello/'),
    get('/none'),
    get('/posted'),
    request('POST', '/posted'),
    get('/form?a=1&a=%E6%96%87'),
    urlEncoded('POST', '/form', 'a=1&a=2&b=%E6%96%87'),
    multipart('/form', [
      ['a', '', '1'],
      ['b', '', '\u6587'],
    ]),
    get('/moved'),
    ...downloads('/file'),
    get('/stream'),
    request('HEAD', '/stream'),
    get('/stream', { version: '1.0', name: 'HTTP/1.0' }),
    get('/fail'),
    ...sessionOf([
      ['GET', '/count'],
      ['GET', '/count'],
    ]),
  ],
};
