// Finds what differs between two responses to one request, and knows why some of it is right.

const sends = (name) => (request) => request.fields.some(([field]) => field === name);
const hasEmpty = (_request, _ours, { ours, theirs }) => ours === '' && theirs === undefined;
const hasTarget = (text) => (request) => request.target.includes(text);
const isStatic = hasTarget('/static');
const hasDots = ({ target }) => /\/(?:\.|%2e){1,2}\//.test(target);

/**
 * Differences that are right. `what`: `status`, `body`, `field NAME` or `environ KEY`, one or several; `stack`: where, both
 * without it; `when`: for which requests, all without it. A row that no request needs is an error, unless it `isChance`.
 */
export const ACCEPTED = [
  // Every response.
  { what: 'field server', reason: 'each server has its own' },
  { what: ['field date', 'field expires'], isChance: true, reason: 'the second may change between two requests' },

  // The environ.
  {
    what: ['environ wsgi.input', 'environ wsgi.errors', 'environ wsgi.file_wrapper'],
    reason: 'objects of each server; their content is compared as the content of the response',
  },
  {
    what: 'environ wsgi.input_terminated',
    stack: 'uwsgi',
    reason: 'an extension that gunicorn has too: wsgi.input ends with the content, so chunked content can be read',
  },
  {
    what: ['environ CONTENT_TYPE', 'environ CONTENT_LENGTH'],
    stack: 'gunicorn',
    when: hasEmpty,
    reason: 'PEP 3333: may be empty or missing; uWSGI has them empty too',
  },
  {
    what: 'environ SCRIPT_NAME',
    stack: 'uwsgi',
    when: hasEmpty,
    reason: 'PEP 3333: may be empty or missing',
  },
  {
    what: ['environ gunicorn.socket', 'environ werkzeug.socket', 'environ SERVER_SOFTWARE', 'environ RAW_URI'],
    stack: 'gunicorn',
    reason: 'keys of gunicorn alone; RAW_URI is REQUEST_URI of the others',
  },
  {
    what: ['environ REQUEST_URI', 'environ REQUEST_SCHEME', 'environ REMOTE_PORT'],
    stack: 'gunicorn',
    reason: 'CGI variables that gunicorn lacks; nginx gives them to uWSGI, and they are the same there',
  },
  {
    what: ['environ uwsgi.node', 'environ uwsgi.version', 'environ DOCUMENT_ROOT'],
    stack: 'uwsgi',
    reason: 'keys of uWSGI, and the folder of nginx',
  },
  {
    what: ['environ REMOTE_ADDR', 'environ SERVER_PORT', 'environ SERVER_PROTOCOL'],
    stack: 'gunicorn',
    reason:
      'gunicorn sees the connection of nginx: HTTP/1.0 on a Unix domain socket without an address; its port is that of Host',
  },
  {
    what: ['environ HTTP_X_FORWARDED_FOR', 'environ HTTP_X_FORWARDED_PROTO'],
    stack: 'gunicorn',
    reason: 'nginx gives gunicorn in fields what is in variables here and under uWSGI',
  },
  {
    what: 'environ wsgi.url_scheme',
    stack: 'uwsgi',
    when: sends('X-Forwarded-Proto'),
    reason: 'uWSGI trusts X-Forwarded-Proto of any client; this server that of --trusted-proxies alone',
  },
  {
    what: [
      'environ HTTP_CONNECTION',
      'environ HTTP_TE',
      'environ HTTP_EXPECT',
      'environ HTTP_UPGRADE',
      'environ HTTP_KEEP_ALIVE',
      'environ HTTP_PROXY_CONNECTION',
      'environ HTTP_TRANSFER_ENCODING',
    ],
    reason:
      'RFC 9110 section 7.6.1: fields of one connection are not passed on, nor is Expect, which the server answers; nginx passes some of them on',
  },
  {
    what: ['environ HTTP_CONTENT_TYPE', 'environ HTTP_CONTENT_LENGTH'],
    stack: 'uwsgi',
    reason: 'RFC 3875 section 4.1.18: a field with a variable of its own has no second one',
  },
  { what: 'environ HTTP_PROXY', when: sends('Proxy'), reason: 'CVE-2016-5385: Proxy is dropped' },
  {
    what: ['environ HTTP_ACCEPT_LANGUAGE', 'environ HTTP_X_REPEATED', 'environ HTTP_COOKIE'],
    when: ({ fields }) => new Set(fields.map(([name]) => name)).size < fields.length,
    reason:
      'RFC 9110 section 5.3: repeated fields are joined by ", ", RFC 6265: cookies by "; "; gunicorn has a comma alone, and uWSGI the last field',
  },
  {
    what: "environ HTTP_X!#$%&'*+.^`|~",
    reason: 'RFC 9110 section 5.1: any token is a name; nginx drops all but letters, digits and hyphens',
  },
  {
    what: 'environ PATH_INFO',
    stack: 'uwsgi',
    reason: 'uwsgi_params has the path as nginx normalized it',
  },

  // Requests that nginx changes.
  {
    what: ['status', 'body'],
    when: (request) => hasDots(request) && !request.target.includes('etc'),
    reason:
      'dot segments are for the client to remove (RFC 3986 section 5.2.4); nginx removes them, but not for gunicorn',
  },
  {
    what: 'status',
    when: hasTarget('%2e%2e/etc'),
    reason: 'a path above the root is no file, so the application gets it; nginx rejects it',
  },
  { what: 'status', when: hasTarget('%00'), reason: 'PATH_INFO may have any byte, as under both without nginx' },
  {
    what: 'status',
    stack: 'uwsgi',
    when: (_request, { status }, { theirs }) => status === 500 && theirs === 502,
    reason: 'uWSGI closes the connection when an application raises; this server and gunicorn respond with 500',
  },
  {
    what: ['body', 'field content-type', 'field content-length'],
    stack: 'gunicorn',
    when: (_request, { status }) => status === 500,
    reason: 'each server has its own page for an application that raises',
  },
  {
    what: ['body', 'field content-type', 'field content-length'],
    stack: 'uwsgi',
    when: sends('Transfer-Encoding'),
    reason: 'werkzeug reads no chunked content without wsgi.input_terminated, which uWSGI lacks',
  },

  // Framing.
  {
    what: 'field content-length',
    when: ({ method, target }) => method === 'HEAD' && target.startsWith('/dump'),
    reason: 'the length of the environ, which GET compares',
  },
  {
    what: 'field content-length',
    when: (_request, { status }) => status === 204,
    reason: 'RFC 9110 section 8.6: a 204 has no Content-Length, which nginx passes on',
  },
  {
    what: 'field transfer-encoding',
    when: ({ method }) => method === 'HEAD',
    reason: 'RFC 9110 section 9.3.2: HEAD has the fields of GET; nginx leaves this one out',
  },
  {
    what: ['field transfer-encoding', 'field content-length'],
    when: ({ target }) => target === '/nothing',
    reason: 'the length is known when an application has ended without content; nginx sends an empty chunked one',
  },
  {
    what: 'field content-type',
    when: (_request, _ours, { ours }) => ours?.[0] === '',
    reason: 'the application copied an empty CONTENT_TYPE into its response; nginx drops empty fields',
  },

  // Files of /static/.
  {
    what: 'field etag',
    when: isStatic,
    reason: 'this server derives it from more than time and size',
  },
  {
    what: ['field x-content-type-options', 'field referrer-policy', 'field vary'],
    when: isStatic,
    reason: 'this server sends them with files and its own pages by default',
  },
  { what: 'field content-type', when: isStatic, reason: 'this server names the charset of text' },
  {
    what: 'field accept-ranges',
    when: (request, { status }) => isStatic(request) && status === 206,
    reason: 'RFC 9110 section 14.3 allows it in each response; nginx sends it with 200 alone',
  },
  {
    what: ['body', 'field content-length'],
    when: (request, { status }) => isStatic(request) && status >= 400,
    reason:
      'each server has its own pages for 412 and 416; a 404 is that of the application, which gets what is no file',
  },
  {
    what: ['body', 'field content-length'],
    when: (_request, { fields }) => fields.get('content-type')?.[0].startsWith('multipart/byteranges'),
    reason: 'the parts of multipart/byteranges have a generated boundary and the Content-Type of the file',
  },
  {
    what: 'status',
    when: (request) => isStatic(request) && request.fields.some(([, value]) => value === 'bytes=9-3'),
    reason: 'RFC 9110 section 14.2: an invalid range may be ignored or rejected',
  },
  {
    what: 'status',
    when: (request) => isStatic(request) && sends('If-Modified-Since')(request),
    reason: 'RFC 9110 section 13.1.3: not modified since a later date either; nginx wants the same date',
  },
  {
    what: 'status',
    when: ({ target }) => target === '/static',
    reason: 'a folder without its slash is redirected; nginx has no location for it here',
  },
  {
    what: 'status',
    when: (request) => isStatic(request) && request.method === 'POST',
    reason: 'the application gets the methods that files do not have',
  },
];

/** What applications make anew for each client or at each time. */
const GENERATED = [
  [/(csrfmiddlewaretoken" value=")[^"]+/g, '$1...'],
  [/(<input type="text" name="(?:last_login|date_joined)_[01]" value=")[^"]+/g, '$1...'],
];
const GENERATED_COOKIES = /^(session|sessionid|csrftoken)=[^;]+/;
/** The end of a cookie that an application removes. */
const REMOVED = 'Thu, 01 Jan 1970';

function comparableFields(fields) {
  const cookies = fields.get('set-cookie');
  if (cookies === undefined) return fields;
  const texts = cookies.map((cookie) => {
    const text = cookie.replace(GENERATED_COOKIES, '$1=...');
    return text.includes(REMOVED) ? text : text.replace(/expires=[^;]+/i, 'expires=...');
  });
  return new Map([...fields, ['set-cookie', texts]]);
}

/** The environ that a view shows, with ports by what they are; and all other content. */
function contentOf({ body, fields, ports }) {
  if (fields.get('content-type')?.[0].startsWith('application/json') && body.includes('"environ"')) {
    const { environ, ...rest } = JSON.parse(body.toString());
    for (const key of ['SERVER_PORT', 'REMOTE_PORT']) environ[key] = ports.get(environ[key]) ?? environ[key];
    return { environ, text: JSON.stringify(rest) };
  }
  let text = body.toString('latin1');
  for (const [pattern, replacement] of GENERATED) text = text.replaceAll(pattern, replacement);
  return { environ: null, text };
}

/**
 * All differences between the response of this server and that of another one: names and both values. Where the status
 * differs, the rest does too.
 */
export function differencesBetween(ours, theirs) {
  if (ours.status !== theirs.status) return [{ what: 'status', ours: ours.status, theirs: theirs.status }];
  const found = [];
  const compare = (kind, a, b) => {
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)]))
      if (JSON.stringify(a[name]) !== JSON.stringify(b[name]))
        found.push({ what: `${kind}${name}`, ours: a[name], theirs: b[name] });
  };
  const [own, other] = [ours, theirs].map(contentOf);
  const [ownFields, otherFields] = [ours, theirs].map(({ fields }) => Object.fromEntries(comparableFields(fields)));
  // The environ has another length then; the client has checked that this is the length of the content.
  if (own.environ !== null) {
    delete ownFields['content-length'];
    delete otherFields['content-length'];
  }
  compare('field ', ownFields, otherFields);
  compare('environ ', own.environ ?? {}, other.environ ?? {});
  compare('', { body: own.text }, { body: other.text });
  return found;
}

/** The row of {@link ACCEPTED} for a difference. */
export function acceptedBy(request, ours, stack, difference) {
  return ACCEPTED.find(
    (row) =>
      (row.stack ?? stack) === stack &&
      [row.what].flat().includes(difference.what) &&
      (row.when?.(request, ours, difference) ?? true),
  );
}
