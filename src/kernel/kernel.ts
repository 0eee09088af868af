// The interface to the operating system: readiness, sockets and the clock. Any implementation of it can run the whole
// server.

/** Readiness and interest bits, the same numbers as in native/poller.h. */
export const READABLE = 1;
export const WRITABLE = 2;
/** The peer finished sending, or both directions ended. Sets READABLE and WRITABLE too. */
export const HANGUP = 4;
/** An error is pending on the socket. Sets READABLE and WRITABLE too. */
export const FAILED = 8;

/** A bit of the interest for `add`: `wait` receives for this descriptor, as with {@link Kernel.prefetch}. */
export const PREFETCH = 16;

/** 32-bit words of one event in {@link KernelMemory.events}: those below, the same as in native/poller.h. */
export const EVENT_WORDS = 4;
export const EVENT_FD = 0;
export const EVENT_GENERATION = 1;
export const EVENT_READINESS = 2;
/** What `recv` would have returned for the bytes in the event's prefetch slot, or NOT_PREFETCHED. */
export const EVENT_PREFETCHED = 3;

/** The value of {@link EVENT_PREFETCHED} when nothing was received for the event. */
export const NOT_PREFETCHED: number = -(2 ** 31);

/** Bytes of one prefetch slot in {@link KernelMemory.input}. */
export const PREFETCH_BYTES = 4096;

/**
 * 32-bit words of one slot in {@link KernelMemory.heads}: the request heads that one receive found, one behind the
 * other. Those of a head are below, the same as in native/head_scan.h; offsets count from its first byte.
 */
export const HEAD_SLOT_WORDS = 272;
/** Where the head begins in {@link KernelMemory.input}. */
export const HEAD_START = 0;
/** Bytes of the head; 0: none, the list ends. */
export const HEAD_LENGTH = 1;
/** The target begins one byte later. */
export const HEAD_METHOD_END = 2;
/** The target's `?`, or {@link HEAD_TARGET_END}. */
export const HEAD_QUERY_AT = 3;
export const HEAD_TARGET_END = 4;
export const HEAD_MINOR_VERSION = 5;
export const HEAD_FIELD_COUNT = 6;
/** Bit n: a field name has n bytes, modulo 32. */
export const HEAD_NAME_LENGTHS = 7;
/** Bit n: field n, or n + 32 in the second word, may be one on which framing depends. */
export const HEAD_FRAMING_LOW = 8;
export const HEAD_FRAMING_HIGH = 9;
/**
 * Bit 0: the first Host is valid. Bit 1: there is `Connection: keep-alive`. These fields are not among those that may
 * frame the message.
 */
export const HEAD_USUAL_FIELDS = 10;
/** Four words for each field follow: start and end of its name, start and end of its value. */
export const HEAD_WORDS = 11;
export const HEAD_FIELD_WORDS = 4;

/** 32-bit words of one send in {@link KernelMemory.sendOps}: those below, the same as in native/kernel.h. */
export const SEND_OP_WORDS = 10;
export const SEND_OP_FD = 0;
/** A piece of {@link KernelMemory.output}. */
export const SEND_OP_OFFSET = 1;
export const SEND_OP_LENGTH = 2;
/** The bytes of the piece that were sent, or -errno. */
export const SEND_OP_RESULT = 3;
/** Bytes of an open file that follow the piece; 0: none, and the words below are not used. */
export const SEND_OP_FILE_COUNT = 4;
export const SEND_OP_FILE = 5;
export const SEND_OP_POSITION_LOW = 6;
export const SEND_OP_POSITION_HIGH = 7;
/** The bytes of the file that were sent. */
export const SEND_OP_FILE_SENT = 8;
/**
 * 0: all. EAGAIN: the socket is full. ENODATA: the file ends there. ENOSYS or EINVAL: sendfile(2) cannot send this
 * file.
 */
export const SEND_OP_FILE_STATUS = 9;

/** Indices into {@link KernelMemory.control}, the same numbers as in native/kernel.h. */
export const NOW_MS = 0;
export const DUE_AT_MS = 1;
export const UNFINISHED = 2;
export const PREWAITED = 3;
export const WAITS = 4;
export const RECEIVES = 5;
export const SENDS = 6;
export const ACCEPTS = 7;
export const REGISTRATIONS = 8;
export const BYTES_RECEIVED = 9;
export const BYTES_SENT = 10;
export const ENTRIES = 11;
const CONTROL_WORDS = 12;

/** The value of `control[PREWAITED]` when no wait was made for this turn yet, so that `wait` makes one. */
export const NOT_PREWAITED = -1;

/** The sizes of the parts of a {@link KernelMemory}. */
export interface MemorySizes {
  /** Events of one wait. */
  readonly eventCapacity: number;
  /** Sends of one `sendBatch`. */
  readonly sendOpCapacity: number;
  /** Bytes that one `recv` can receive. */
  readonly receiveBytes: number;
  /** Bytes that wait to be sent. */
  readonly outputBytes: number;
}

/**
 * The memory that a kernel shares with the server: one block, cut into six parts in this order.
 *
 * 1. `control`: CONTROL_WORDS numbers.
 * 2. `events`: EVENT_WORDS words for each event.
 * 3. `sendOps`: SEND_OP_WORDS words for each send.
 * 4. `heads`: HEAD_SLOT_WORDS words for each prefetch slot, then for the receive area.
 * 5. `output`: bytes to send.
 * 6. `input`: received bytes. The first `receiveBytes` are the receive area, which `recv` fills. The prefetch slots
 *    follow, PREFETCH_BYTES for each event, which `wait` fills: that of event `i` is at `receiveBytes + i *
 *    PREFETCH_BYTES`.
 */
export class KernelMemory {
  /** Words shared with the loop that starts the turns; the indices are above. */
  readonly control: Float64Array;
  /** Filled by `wait`; valid until the next one, like the prefetch slots. */
  readonly events: Int32Array;
  /** The sends of `sendBatch`. */
  readonly sendOps: Int32Array;
  /**
   * The request heads that were found in the bytes that `wait` and `recv` received last, complete and unusual in no
   * way; they may be missing. An implementation may find none.
   */
  readonly heads: Int32Array;
  /** The bytes that `send` and `sendBatch` send. */
  readonly output: Buffer;
  readonly input: Buffer;
  /** Length of the receive area at the beginning of `input`. */
  readonly receiveBytes: number;

  constructor({ eventCapacity, sendOpCapacity, receiveBytes, outputBytes }: MemorySizes) {
    const events = CONTROL_WORDS * Float64Array.BYTES_PER_ELEMENT;
    const sendOps = events + eventCapacity * EVENT_WORDS * Int32Array.BYTES_PER_ELEMENT;
    const heads = sendOps + sendOpCapacity * SEND_OP_WORDS * Int32Array.BYTES_PER_ELEMENT;
    const headWords = (eventCapacity + 1) * HEAD_SLOT_WORDS;
    const output = heads + headWords * Int32Array.BYTES_PER_ELEMENT;
    const input = output + outputBytes;
    const block = new ArrayBuffer(input + receiveBytes + eventCapacity * PREFETCH_BYTES);
    this.control = new Float64Array(block, 0, CONTROL_WORDS);
    this.events = new Int32Array(block, events, eventCapacity * EVENT_WORDS);
    this.sendOps = new Int32Array(block, sendOps, sendOpCapacity * SEND_OP_WORDS);
    this.heads = new Int32Array(block, heads, headWords);
    this.output = Buffer.from(block, output, outputBytes);
    this.input = Buffer.from(block, input);
    this.receiveBytes = receiveBytes;
  }
}

/** The properties of a poller. Code depends on these, never on the platform. */
export interface PollerTraits {
  /** `epoll`, `kqueue`, `poll`, `select`, `scan`. */
  readonly name: string;
  /** Reports a change once, so that `rearm` is never needed. */
  readonly edgeTriggered: boolean;
  /** Has a descriptor that another loop can watch. */
  readonly hasDescriptor: boolean;
  /** Reports HANGUP without a read. */
  readonly seesHangup: boolean;
  /** Descriptors must be below this number; 0 when there is no such bound. */
  readonly maxDescriptors: number;
  /** Never blocks: always reports every descriptor as ready. */
  readonly busy?: boolean;
}

/** An IP address as text, and a port. Empty and 0 for a Unix domain socket, and when unknown. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A kind of transport (native/transport.h), made by an addon. It is opaque except to {@link Kernel.attach}. */
export interface TransportKind {
  readonly transport?: never;
}

/** The result of a handshake of TLS. Texts are empty where there is nothing. */
export interface NegotiatedTls {
  /** `TLSv1.3`. */
  readonly protocol: string;
  /** `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string;
  /** The protocol that ALPN chose. */
  readonly alpnProtocol: string;
  /** The server name that the client asked for (SNI), in lower case. */
  readonly serverName: string;
  readonly isResumed: boolean;
  /** The client's certificate as DER; null: it sent none. */
  readonly certificate: Uint8Array | null;
  /** Why that certificate is not accepted. */
  readonly authorizationError: string;
}

/**
 * The system calls of one server. They take and return small integers; a failed call returns `-errno` and changes
 * nothing. The contract of the poller's five calls is in native/poller.h; test/contract/ tests it for every
 * implementation.
 */
export interface Kernel extends KernelMemory {
  readonly traits: PollerTraits;

  /**
   * Waits at most `timeoutMs` (0: not at all, -1: for ever). Returns the number of events. If the loop that starts the
   * turns has waited for this turn already (`control[PREWAITED]`), these are the events of that wait.
   */
  readonly wait: (timeoutMs: number) => number;
  /** Starts to watch an open descriptor. Returns its generation, 1 or more. */
  readonly add: (fd: number, interest: number) => number;
  /** Arms the next event of `interest`. After EAGAIN and short counts, the calls below do so by themselves. */
  readonly rearm: (fd: number, interest: number) => number;
  /** Stops watching. `close` does so by itself. */
  readonly remove: (fd: number) => number;

  /**
   * Listens on a numeric address. Returns the descriptor. `shared`: other sockets may listen there too (SO_REUSEPORT).
   * A negative backlog only binds, which reserves the port.
   */
  readonly listen: (address: string, port: number, backlog: number, shared?: boolean) => number;
  /**
   * Begins to connect to a numeric address. Returns the descriptor, whose connection may be in progress. Until there is a
   * result, `recv` and `send` are EAGAIN; then WRITABLE or FAILED is reported. After FAILED, the next `recv` or `send`
   * returns the reason, such as ECONNREFUSED.
   */
  readonly connect: (address: string, port: number) => number;
  /**
   * Connects to the Unix domain socket at `path`. Returns the descriptor. EAGAIN: the backlog of the listener is full,
   * and nothing reports when it has room.
   */
  readonly connectUnix: (path: string) => number;
  /** Accepts one client. Returns its descriptor. */
  readonly accept: (listener: number) => number;
  /**
   * Receives into `input[offset, offset + length)`, which must lie in the receive area. Returns the count, 0 at the
   * peer's end.
   */
  readonly recv: (fd: number, offset: number, length: number) => number;
  /**
   * Turns prefetch on or off: `wait` then receives once, at most PREFETCH_BYTES, for each READABLE event of `fd` that
   * is not FAILED. A batch then costs one crossing, not one for each connection. An implementation may ignore it.
   */
  readonly prefetch: (fd: number, on: 0 | 1) => number;
  /**
   * Sends `output[offset, offset + length)` and behind it `bytes` from `bytesOffset` on, in one call. Either part may be
   * empty, and `bytes` may be left out. Returns the count sent of both together, which may end in either part. An
   * offset or a length that is out of range is EINVAL, and nothing is sent.
   */
  readonly send: (fd: number, offset: number, length: number, bytes?: Uint8Array, bytesOffset?: number) => number;
  /**
   * Executes the first `count` of `sendOps` in order. Each sends a piece of `output`, then bytes of an open file
   * (sendfile(2)), in one segment where they fit. The result of each is written into it; a failure does not affect the
   * others. If `count` exceeds the capacity, the result is EINVAL and nothing is sent.
   */
  readonly sendBatch: (count: number) => number;
  /**
   * Sends FIN; receiving still works. 1: the end of a transport waits for room in the socket. WRITABLE follows, and
   * another call then returns 0.
   */
  readonly shutdown: (fd: number) => number;
  /** Makes `close` discard what is unsent and answer with RST. */
  readonly reset: (fd: number) => number;
  readonly close: (fd: number) => number;

  /** The address at the other end of an accepted or connected descriptor. */
  readonly peer: (fd: number) => SocketAddress;
  /** The address that a descriptor is bound to. */
  readonly local: (fd: number) => SocketAddress;
  /** Wire bytes that the socket has accepted so far. With a transport they differ from those of `transferred`. */
  readonly wireSent: (fd: number) => number;
  /** Those of `wireSent` that the peer has acknowledged; all where the system does not count them. */
  readonly acknowledged: (fd: number) => number;
  /** The bytes of an open descriptor so far: received, sent. */
  readonly transferred: (fd: number) => readonly [number, number];

  /**
   * Puts a transport of that kind between the socket of an accepted descriptor and every other call, until it is
   * closed. `received`: bytes of the socket that were received before, and that it has to decode. EEXIST: the descriptor
   * has a transport. EINVAL: `kind` is no kind of transport.
   */
  readonly attach: (fd: number, kind: TransportKind, received?: Uint8Array) => number;
  /** 1: the handshake of TLS is over. 0: the descriptor has no TLS, not yet, or its client sends plaintext. */
  readonly isNegotiated: (fd: number) => number;
  /** Its result; null where {@link isNegotiated} is 0. */
  readonly negotiated: (fd: number) => NegotiatedTls | null;

  /** Calls `turn` on this thread when an event is ready, a deadline has passed or work is unfinished, until `stop`. */
  readonly start: (turn: () => void) => number;
  /** Whether the loop that was started keeps the process alive: 1, as at first, or 0. */
  readonly setReferenced: (isReferenced: number) => number;
  readonly stop: () => void;
  /** Stops, and closes every descriptor that is still open. */
  readonly destroy: () => void;

  /** Reads the monotonic clock into `control[NOW_MS]` and returns it, in milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970, for dates. */
  readonly wallClockMs: () => number;
}
