// Counts and hashes uploads of any size, at the speed of the disk or network they come from:
//   node dist/epoll-server.js 9000 examples/upload.js --max-body-bytes 10737418240
//   curl -T large.iso http://127.0.0.1:9000/

import { createHash } from 'node:crypto';

export default {
  async fetch(request) {
    if (request.method !== 'PUT' && request.method !== 'POST') {
      return new Response('PUT or POST something\n', { status: 405, headers: { Allow: 'PUT, POST' } });
    }
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of request.body ?? []) {
      bytes += piece.length;
      hash.update(piece);
    }
    return Response.json({ bytes, sha256: hash.digest('hex') });
  },
};
