// A server with a planted fault. It serves its page to `GET / HTTP/1.1` and rejects everything else.
//   node faulty.mjs FAULT
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const [, , fault] = process.argv;
const DATE = 'Date: Sat, 21 Nov 2026 00:00:00 GMT\r\n';
const PAGE = `HTTP/1.1 200 OK\r\n${DATE}Content-Length: 4\r\n\r\npage`;
const REJECTION = `HTTP/1.1 400 Bad Request\r\n${DATE}Content-Length: 0\r\nConnection: close\r\n\r\n`;
const TIMEOUT = REJECTION.replace('400 Bad Request', '408 Request Timeout');
const CUT_CHUNK = `HTTP/1.1 200 OK\r\n${DATE}Transfer-Encoding: chunked\r\n\r\n4\r\npages\r\n0\r\n\r\n`;
const MAX_KEPT = 150;

const kept = [];
/** Whether an invalid request has arrived. Before that the server is only warmed up and has no fault. */
let isFuzzed = false;

/** What the fault does besides the response. */
const EFFECTS = {
  ends: () => process.exit(3),
  complains: () => console.error('TypeError: x is not a function'),
  descriptors: () => kept.length < MAX_KEPT && kept.push(createSocket('udp4').bind()),
  memory: () => kept.length < MAX_KEPT && kept.push(Buffer.alloc(2_000_000, 1)),
  cost: scanSquared,
};

/** Takes time that grows with the square of the head: compares each byte with each other. */
function scanSquared(head) {
  let pairs = 0;
  for (let i = 0; i < head.length; i++) {
    for (let j = 0; j < head.length; j++) if (head.charCodeAt(i) === head.charCodeAt(j)) pairs++;
  }
  return pairs;
}

/** The response to a request, with the fault. */
function responseTo(head) {
  const isRight = /^GET \/ HTTP\/1\.[01]\r\n/.test(head) && !/^(?:content-length|transfer-encoding)/im.test(head);
  isFuzzed ||= !isRight;
  if (isFuzzed) EFFECTS[fault]?.(head);
  if (fault === 'silent' && isFuzzed) return '';
  if (!isRight) return REJECTION;
  if (fault === 'hasty' && isFuzzed) return TIMEOUT;
  if (fault === 'twice' && isFuzzed) return PAGE + PAGE;
  if (fault === 'framing' && isFuzzed) return CUT_CHUNK;
  return PAGE;
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  let text = '';
  let isOver = false;
  const end = () => {
    if (fault === 'silent' && isFuzzed) return;
    isOver = true;
    socket.end();
  };
  socket.on('error', () => {});
  socket.on('end', end);
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    for (let at = text.indexOf('\r\n\r\n'); at >= 0 && !isOver; at = text.indexOf('\r\n\r\n')) {
      const response = responseTo(text.slice(0, at));
      const isFinal = /^connection: close|HTTP\/1\.0\r$/im.test(response + text.slice(0, at));
      text = text.slice(at + 4);
      socket.write(response);
      if (isFinal) end();
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(`faulty: http://127.0.0.1:${server.address().port}/`));
