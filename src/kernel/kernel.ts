// The operating system as this server sees it: readiness, sockets and the clock, in one vocabulary.
// Whatever implements this interface can run the whole server; it must not know what is above it.

/** Readiness and interest bits, the same numbers as in native/poller.h. */
export const READABLE = 1;
export const WRITABLE = 2;
/** The peer finished sending, or both directions ended. Sets READABLE and WRITABLE too. */
export const HANGUP = 4;
/** An error is pending on the socket. Sets READABLE and WRITABLE too. */
export const FAILED = 8;

/** In the interest given to `add`: `wait` receives for this descriptor as `receiveAhead` says. */
export const AHEAD = 16;

/** In {@link Kernel.received}: nothing was received for the event. */
export const NOT_RECEIVED: number = -(2 ** 31);

/** Bytes that each event has in {@link Kernel.ahead}. */
export const SLOT_BYTES = 4096;

/** 32-bit words of one order in {@link Kernel.orders}: those below, the same as in native/kernel.h. */
export const ORDER_WORDS = 10;
export const ORDER_FD = 0;
/** Bytes of {@link Kernel.output}. */
export const ORDER_OFFSET = 1;
export const ORDER_LENGTH = 2;
/** What sending them returned. */
export const ORDER_RESULT = 3;
/** Bytes of an open file that follow; 0: none, and the words below mean nothing. */
export const ORDER_FILE_COUNT = 4;
export const ORDER_FILE = 5;
export const ORDER_POSITION_LOW = 6;
export const ORDER_POSITION_HIGH = 7;
/** How many of them were sent. */
export const ORDER_TAKEN = 8;
/** 0: all. EAGAIN: the socket is full. ENODATA: the file ends there. ENOSYS or EINVAL: this file cannot be sent so. */
export const ORDER_STATUS = 9;

/** 32-bit words of one event in {@link Kernel.events}: descriptor, generation, readiness. */
export const EVENT_WORDS = 3;

/** Indices into {@link Kernel.control}, the same numbers as in native/kernel.h. */
export const NOW_MS = 0;
export const DUE_AT_MS = 1;
export const UNFINISHED = 2;
export const AWAITED = 3;
export const WAITS = 4;
export const RECEIVES = 5;
export const SENDS = 6;
export const ACCEPTS = 7;
export const REGISTRATIONS = 8;
export const BYTES_RECEIVED = 9;
export const BYTES_SENT = 10;
export const ENTRIES = 11;

/** In `control[AWAITED]`: nobody has waited for this turn yet, so that `wait` does. */
export const NOT_AWAITED = -1;

/** What a poller is like. Ask this, never for the platform. */
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
  /** Never blocks: every descriptor is reported as maybe ready, always. */
  readonly busy?: boolean;
}

/** An IP address in text and a port; an empty text when it is unknown. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * One server's share of the system. Calls take and return small integers; a failed call returns
 * `-errno` and changes nothing. The contract of the poller's five calls is in native/poller.h and is
 * tested for every implementation by test/contract/.
 */
export interface Kernel {
  readonly traits: PollerTraits;
  /** Filled by `wait`: EVENT_WORDS words an event. */
  readonly events: Int32Array;
  /** Where `recv` puts bytes. */
  readonly input: Buffer;
  /** Filled by `wait`, one word an event: what `recv` would have returned, or NOT_RECEIVED. */
  readonly received: Int32Array;
  /** What `wait` received, SLOT_BYTES an event. */
  readonly ahead: Buffer;
  /** Where `send` and `sendv` take bytes from. */
  readonly output: Buffer;
  /** What `sendAll` sends: ORDER_WORDS words an order. */
  readonly orders: Int32Array;
  /** Words shared with whoever starts the turns: see the indices above. */
  readonly control: Float64Array;

  /**
   * Waits at most `timeoutMs` (0: not at all, -1: for ever). Returns the number of events: those of a wait that whoever
   * starts the turns made for this one (`control[AWAITED]`), if there was one.
   */
  readonly wait: (timeoutMs: number) => number;
  /** Starts to watch an open descriptor. Returns its generation, 1 or more. */
  readonly add: (fd: number, interest: number) => number;
  /** Asks for the next event of `interest`. EAGAIN and short counts of the calls below do so by themselves. */
  readonly rearm: (fd: number, interest: number) => number;
  /** Stops watching. `close` does so by itself. */
  readonly remove: (fd: number) => number;

  /**
   * Listens on a numeric address. Returns the descriptor. `shared`: others may listen there too (SO_REUSEPORT).
   * A negative backlog binds only, which keeps the port.
   */
  readonly listen: (address: string, port: number, backlog: number, shared?: boolean) => number;
  /** Accepts one client. Returns its descriptor. */
  readonly accept: (listener: number) => number;
  /** Receives into `input[offset, offset + length)`. Returns the count, 0 at the peer's end. */
  readonly recv: (fd: number, offset: number, length: number) => number;
  /**
   * Whether `wait` receives once, at most SLOT_BYTES, for each READABLE event of `fd` that is not FAILED:
   * a batch then costs one crossing, not one a connection. A kernel may do so, or not.
   */
  readonly receiveAhead: (fd: number, on: 0 | 1) => number;
  /** Sends `output[offset, offset + length)`. Returns the count taken. */
  readonly send: (fd: number, offset: number, length: number) => number;
  /**
   * Carries out the first `count` orders, one after the other: sends a piece of `output`, as `send` does, and bytes of
   * an open file behind it (sendfile(2)), in one segment where they fit. Writes what became of each into it.
   */
  readonly sendAll: (count: number) => number;
  /** Sends `bytes` from `offset` on. Returns the count taken. */
  readonly sendFrom: (fd: number, bytes: Uint8Array, offset: number) => number;
  /** Sends `output[offset, offset + length)` and then `bytes`, in one call. Returns the count taken. */
  readonly sendv: (fd: number, offset: number, length: number, bytes: Uint8Array) => number;
  /** Sends FIN; receiving goes on. */
  readonly shutdown: (fd: number) => number;
  /** Makes `close` discard what is unsent and answer with RST. */
  readonly reset: (fd: number) => number;
  readonly close: (fd: number) => number;

  /** Who is at the other end of an accepted descriptor. */
  readonly peer: (fd: number) => SocketAddress;
  /** What a descriptor is bound to. */
  readonly local: (fd: number) => SocketAddress;
  /** Bytes that were sent and that the peer has not acknowledged; -errno where the system cannot tell. */
  readonly unacknowledged: (fd: number) => number;
  /** Bytes that passed on an open descriptor: received, sent. */
  readonly transferred: (fd: number) => readonly [number, number];

  /** Calls `turn` whenever something is ready, due or unfinished, on this thread, until `stop`. */
  readonly start: (turn: () => void) => number;
  readonly stop: () => void;
  /** Stops, and closes every descriptor that is still open. */
  readonly destroy: () => void;

  /** Reads the monotonic clock into `control[NOW_MS]` and returns it, in milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970, for dates. */
  readonly wallClockMs: () => number;
}
