// A raw handler that the tests of the pool run in its threads, with features that only raw handlers have.

/** The calls of callbacks and protocols of this thread. */
const events = [];

const LF = 0x0a;

/** Sends each line back in capitals. Some lines are commands. */
class Capitals {
  wantsInput = true;
  paused = false;
  isBusy = false;
  left = 0;
  piece = new Uint8Array(16_384).fill(120);

  constructor(channel) {
    this.channel = channel;
  }

  receive(bytes, start, end) {
    let at = start;
    for (let next = bytes.indexOf(LF, at) + 1; next > 0 && next <= end; next = bytes.indexOf(LF, at) + 1) {
      const line = bytes.toString('latin1', at, next - 1);
      at = next;
      this.obey(line);
      if (line === 'next') this.channel.speak((channel) => new Reverse(channel));
      if (line === 'next' || line === 'bye') return at;
    }
    return at;
  }

  obey(line) {
    const [command, count] = line.split(' ');
    if (command === 'throw') throw new Error('a line that the protocol does not bear');
    if (command === 'stay') this.staysOnce = true;
    if (command === 'exit') process.exit(5);
    if (command === 'wait') this.channel.setTimeout(1);
    if (command === 'addresses') {
      const { peer, local, isSecure } = this.channel;
      line = JSON.stringify([peer.address, local.address, isSecure, this.channel.transferred[0] > 0]);
    }
    this.channel.write(Buffer.from(`${line.toUpperCase()}\n`, 'latin1'));
    if (command === 'bye') this.channel.finish();
    if (command === 'sent') {
      this.channel.whenSent((isSent) => this.channel.write(Buffer.from(`sent: ${isSent}\n`, 'latin1')));
    }
    if (command === 'file') {
      this.channel.sendFile(0, 0, 1, { onFileSent: (sent) => this.channel.write(Buffer.from(`file: ${sent < 0}\n`)) });
    }
    if (command === 'give') {
      this.left = Number(count);
      this.give();
    }
    if (command === 'flood') for (let i = 0; i < 1_000 && this.channel.isOpen; i++) this.channel.write(this.piece);
  }

  /** Pieces at the pace of the client. */
  give() {
    while (this.left > 0 && !this.channel.isFull) {
      this.channel.write(this.piece);
      this.left--;
    }
  }

  drained() {
    this.give();
  }

  ending() {}

  ended() {
    this.channel.finish();
  }

  expired() {
    this.channel.write(Buffer.from('expired\n'));
  }

  stop() {
    if (this.staysOnce) {
      this.channel.speak((channel) => new Reverse(channel));
      return;
    }
    this.channel.write(Buffer.from('stopping\n'));
    this.channel.finish();
  }

  refuse() {}

  aborted(reason) {
    events.push(`aborted: ${reason}`);
  }

  closed() {
    events.push('closed');
  }
}

/** Sends all input back in reverse. */
class Reverse extends Capitals {
  receive(bytes, start, end) {
    this.channel.write(Buffer.from(bytes.subarray(start, end)).reverse());
    return end;
  }
}

/** Uses no bytes before the server closes or the client sends FIN, then sends them back in reverse. */
class Patient extends Reverse {
  wantsInput = false;

  ending() {
    this.wantsInput = true;
    this.channel.resume();
  }
}

/** Uses no bytes. */
class Greedy extends Capitals {
  receive(_bytes, start) {
    return start;
  }
}

function codeOf(call) {
  try {
    call();
    return null;
  } catch ({ code }) {
    return code;
  }
}

const upgrade = (response, make = (channel) => new Capitals(channel)) =>
  response.upgrade({ Upgrade: 'capitals/1', 'X-Own': 'a' }, make);

const routes = {
  '/reason': (_request, response) => {
    response.reasonPhrase = 'Odd Text';
    response.send(299, {}, 'odd');
  },
  '/standard': (_request, response) => response.send(200, {}, 'standard'),
  '/inform': (_request, response) => {
    response.inform(102);
    response.inform(103, { Link: '</a.css>' });
    response.send(200, {}, 'informed');
  },
  '/trailers': async (request, response) => {
    await request.body.bytes();
    response.start(200, [['Content-Type', 'application/json']]);
    response.write(JSON.stringify([request.scheme, request.rawHeaders(), request.headers()]));
    response.end('', request.body.rawTrailers);
  },
  '/sent': (_request, response) => {
    for (let i = 0; i < 2; i++) response.whenSent((error) => events.push(`sent: ${error?.code}`));
    response.send(200, {}, 'x'.repeat(10_000_000));
  },
  '/events': (_request, response) => response.send(200, {}, JSON.stringify(events.splice(0))),
  '/wrong': (request, response) => {
    const set = (reason) => () => {
      response.reasonPhrase = reason;
    };
    const codes = [
      codeOf(set('a\r\nb')),
      codeOf(() => response.inform(101)),
      codeOf(() => response.inform(103, { A: 'b\nc' })),
      codeOf(() => response.upgrade({ Upgrade: 'a' }, () => {})),
      codeOf(() => response.send(99)),
      codeOf(() => response.send(200, {}, 7)),
    ];
    response.start(200);
    codes.push(codeOf(set('late')));
    codes.push(codeOf(() => response.inform(103)));
    codes.push(codeOf(() => upgrade(response)));
    codes.push(codeOf(() => response.end('', { Host: 'a' })));
    codes.push(request.path === '/wrong' ? null : 'path');
    response.end(JSON.stringify(codes));
  },
  '/sent-and-thrown': (_request, response) => {
    response.whenSent(() => {
      throw new Error('a callback that throws');
    });
    response.whenSent((error) => events.push(`sent: ${error?.code}`));
    response.send(200, {}, 'sent');
  },
  '/patient': (_request, response) => upgrade(response, (channel) => new Patient(channel)),
  '/odd-upgrade': (_request, response) => {
    response.reasonPhrase = 'Odd Protocol';
    upgrade(response);
  },
  '/up': (_request, response) => upgrade(response),
  '/greedy': (_request, response) => upgrade(response, (channel) => new Greedy(channel)),
  '/unmade': (_request, response) =>
    upgrade(response, () => {
      throw new Error('no protocol');
    }),
};

export default (request, response) => routes[request.path](request, response);
