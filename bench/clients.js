// Request heads of eight kinds of clients. Those of Chromium, Firefox, curl, Java, Python and Node.js were recorded
// from the programs named below; those of Safari and Go follow their documentation. Safari sends no Sec-Fetch-User and
// no client hints.

/** Placeholders for what differs between clients of one kind, and between requests of one client. */
const TARGET = '{target}';
const COOKIE = '{cookie}';

const browserCookie = `Cookie: session=${COOKIE}; theme=dark; _ga=GA1.1.${COOKIE}.1764380000`;

/** Each kind of client: its name and the lines of its head. */
export const CLIENTS = [
  {
    name: 'Chrome 156',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Host: 127.0.0.1:8080',
      'Connection: keep-alive',
      'sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156", "Google Chrome";v="156"',
      'sec-ch-ua-mobile: ?0',
      'sec-ch-ua-platform: "Windows"',
      'Upgrade-Insecure-Requests: 1',
      'User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
      'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-Mode: navigate',
      'Sec-Fetch-User: ?1',
      'Sec-Fetch-Dest: document',
      'Referer: http://127.0.0.1:8080/',
      'Accept-Encoding: gzip, deflate, br, zstd',
      'Accept-Language: en-US,en;q=0.9',
      browserCookie,
    ],
  },
  {
    name: 'Firefox 153',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Host: 127.0.0.1:8080',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
      'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'Accept-Language: en-US,en;q=0.9',
      'Accept-Encoding: gzip, deflate, br, zstd',
      'Connection: keep-alive',
      'Referer: http://127.0.0.1:8080/',
      browserCookie,
      'Upgrade-Insecure-Requests: 1',
      'Sec-Fetch-Dest: document',
      'Sec-Fetch-Mode: navigate',
      'Sec-Fetch-Site: same-origin',
      'Sec-Fetch-User: ?1',
      'Priority: u=0, i',
    ],
  },
  {
    name: 'Safari 26',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Host: 127.0.0.1:8080',
      'Sec-Fetch-Dest: document',
      'User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15',
      'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
      'Sec-Fetch-Site: same-origin',
      browserCookie,
      'Sec-Fetch-Mode: navigate',
      'Accept-Language: en-GB,en;q=0.9',
      'Priority: u=0, i',
      'Accept-Encoding: gzip, deflate',
      'Connection: keep-alive',
    ],
  },
  {
    name: 'curl 7.88',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Host: 127.0.0.1:8080',
      'User-Agent: curl/7.88.1',
      'Accept: */*',
      `Cookie: session=${COOKIE}`,
    ],
  },
  {
    name: 'Go net/http',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Host: 127.0.0.1:8080',
      'User-Agent: Go-http-client/1.1',
      `Cookie: session=${COOKIE}`,
      'Accept-Encoding: gzip',
    ],
  },
  {
    name: 'Java 17 HttpClient',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Connection: Upgrade, HTTP2-Settings',
      'Content-Length: 0',
      'Host: 127.0.0.1:8080',
      'HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA',
      'Upgrade: h2c',
      'User-Agent: Java-http-client/17.0.15',
      `Cookie: session=${COOKIE}`,
    ],
  },
  {
    name: 'Python requests 2.34',
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'Host: 127.0.0.1:8080',
      'User-Agent: python-requests/2.34.2',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive',
      `Cookie: session=${COOKIE}`,
    ],
  },
  {
    name: "Node.js 20's fetch",
    lines: [
      `GET ${TARGET} HTTP/1.1`,
      'host: 127.0.0.1:8080',
      'connection: keep-alive',
      'accept: */*',
      'accept-language: *',
      'sec-fetch-mode: cors',
      'user-agent: node',
      'accept-encoding: gzip, deflate',
      `cookie: session=${COOKIE}`,
    ],
  },
];

/** The head that wrk sends. */
const BARE = { name: 'wrk', lines: [`GET ${TARGET} HTTP/1.1`, 'Host: 127.0.0.1:8080'] };

/**
 * Returns the request of client number `client` for `target`, as text. `heads`: `identical` (all clients are one load
 * generator) or `mixed` (kinds in turn, with a cookie for each client). `more`: further field lines.
 */
export function requestText(heads, client, target, more = []) {
  const { lines } = heads === 'mixed' ? CLIENTS[client % CLIENTS.length] : BARE;
  // Eight digits, all of which differ between clients.
  const cookie = `${(client + 1) * 15_485_863 + 10_000_000}`.slice(-8);
  const text = [...lines, ...more].map((line) => `${line}\r\n`).join('');
  return `${text.replaceAll(TARGET, target).replaceAll(COOKIE, cookie)}\r\n`;
}
