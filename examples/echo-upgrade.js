// A protocol of its own behind HTTP/1.1 Upgrade: each line comes back in capitals, until one says `bye`.
//   node dist/epoll-server.js 9000 examples/echo-upgrade.js --adapter raw
//   printf 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n\r\nhello\nbye\n' | nc 127.0.0.1 9000

const LF = 0x0a;

class Capitals {
  paused = false;
  isBusy = false;
  #channel;

  constructor(channel) {
    this.#channel = channel;
    // A client that says nothing for so long is not waited for.
    channel.setTimeout(60_000);
  }

  /** A client that does not take what comes back is not read either. */
  get wantsInput() {
    return this.#channel.isOpen && !this.#channel.isFull;
  }

  /** Uses whole lines, and returns where the next one begins: the channel keeps the rest. */
  receive(bytes, start, end) {
    let at = start;
    while (this.#channel.isOpen) {
      const lineEnd = bytes.subarray(at, end).indexOf(LF);
      if (lineEnd < 0) break;
      const line = bytes.toString('latin1', at, at + lineEnd);
      this.#channel.write(Buffer.from(`${line.toUpperCase()}\n`, 'latin1'));
      at += lineEnd + 1;
      if (line === 'bye') this.#channel.finish();
    }
    if (at > start) this.#channel.setTimeout(60_000);
    return at;
  }

  ending() {}

  ended() {
    this.#channel.finish();
  }

  drained() {}

  expired() {
    this.#channel.finish();
  }

  /** The server is closing. */
  stop() {
    this.#channel.finish(true);
  }

  refuse() {}
  aborted() {}
  closed() {}
}

export default (request, response) => {
  if (request.header('upgrade')?.toLowerCase() === 'capitals') {
    response.upgrade({ Upgrade: 'capitals' }, (channel) => new Capitals(channel));
  } else {
    // RFC 9110 section 15.5.22: which protocol the client must ask for.
    response.send(426, { Upgrade: 'capitals', 'Content-Type': 'text/plain' }, 'Ask for Upgrade: capitals\n');
  }
};
