// A kernel without system calls: all clients ask at once, in each turn, and whatever is sent is taken.

import { EAGAIN } from '../build/modules/kernel/errno.js';
import {
  DUE_AT_MS,
  EVENT_WORDS,
  NOT_RECEIVED,
  NOW_MS,
  ORDER_FILE_COUNT,
  ORDER_LENGTH,
  ORDER_RESULT,
  ORDER_STATUS,
  ORDER_TAKEN,
  ORDER_WORDS,
  READABLE,
  SLOT_BYTES,
} from '../build/modules/kernel/kernel.js';
import { CLIENT_COUNT } from './workloads.js';

/** The listener's descriptor, behind those of the clients. */
export const LISTENER = CLIENT_COUNT;

const EVENT_CAPACITY = 256;
const ORDER_CAPACITY = 16;
const FIRST_DIGITS = 100_000;
const DIGIT_COUNT = 6;

/** The requests of all clients, each in its slot: a kernel that receives them costs the program no instruction. */
function createRequests() {
  const slots = Buffer.alloc(CLIENT_COUNT * SLOT_BYTES);
  const lengths = new Int32Array(CLIENT_COUNT);
  let changing = [];
  let digits = FIRST_DIGITS;
  return {
    slots,
    lengths,
    /** From now on the clients send these, in which six digits change at each of the offsets `digitsAt`. */
    record: (requests) => {
      changing = requests.flatMap(({ digitsAt }, client) => digitsAt.map((at) => client * SLOT_BYTES + at));
      for (const [client, { bytes }] of requests.entries()) {
        if (bytes.length > SLOT_BYTES) throw new RangeError(`${bytes.length} bytes fit into no slot of ${SLOT_BYTES}`);
        slots.set(bytes, client * SLOT_BYTES);
        lengths[client] = bytes.length;
      }
    },
    /** The next turn's requests have other digits. */
    change: () => {
      let rest = digits++;
      for (let place = DIGIT_COUNT - 1; place >= 0; place--) {
        const digit = 0x30 + (rest % 10);
        rest = Math.floor(rest / 10);
        for (const at of changing) slots[at + place] = digit;
      }
    },
  };
}

/**
 * `stepMs`: time that passes with each turn. `loaders`: so many clients ask alone at first, one after the other, so that
 * each brings its file into memory. `isSingle`: each connection is accepted for one request.
 */
export function createReplayKernel({ stepMs, loaders, isSingle }) {
  const control = new Float64Array(12);
  const events = new Int32Array(EVENT_CAPACITY * EVENT_WORDS);
  const received = new Int32Array(EVENT_CAPACITY).fill(NOT_RECEIVED);
  const orders = new Int32Array(ORDER_CAPACITY * ORDER_WORDS);
  const requests = createRequests();
  let asked = 0;
  /** Connections that wait to be accepted before all of them ask. */
  let backlog = isSingle ? CLIENT_COUNT : 0;

  /** Descriptor `fd` is readable, and nothing was received for it. */
  function showOne(fd) {
    events.set([fd, 1, READABLE]);
    received[0] = NOT_RECEIVED;
    return 1;
  }

  function showClients() {
    requests.change();
    for (let client = 0; client < CLIENT_COUNT; client++) {
      events[client * EVENT_WORDS] = client;
      events[client * EVENT_WORDS + 1] = 1;
      events[client * EVENT_WORDS + 2] = READABLE;
    }
    received.set(requests.lengths);
    return CLIENT_COUNT;
  }

  const kernel = {
    traits: { name: 'replay', edgeTriggered: true, hasDescriptor: false, seesHangup: true, maxDescriptors: 0 },
    control,
    events,
    input: Buffer.alloc(65_536),
    ahead: requests.slots,
    received,
    orders,
    output: Buffer.alloc(131_072),
    record: requests.record,
    /** How often something was sent: once for all that a client asked for in a turn. */
    sends: 0,
    wait: () => {
      control[NOW_MS] += stepMs;
      if (asked < loaders) return kernel.sends < asked ? 0 : showOne(asked++);
      if (kernel.sends < loaders) return 0;
      return backlog > 0 ? showOne(LISTENER) : showClients();
    },
    accept: () => (backlog > 0 ? --backlog : EAGAIN),
    add: () => 1,
    receiveAhead: () => 0,
    /** Of a client that asks alone. */
    recv: (fd, offset) => {
      const start = fd * SLOT_BYTES;
      kernel.input.set(requests.slots.subarray(start, start + requests.lengths[fd]), offset);
      return requests.lengths[fd];
    },
    sendAll: (count) => {
      for (let at = 0; at < count * ORDER_WORDS; at += ORDER_WORDS) {
        orders[at + ORDER_RESULT] = orders[at + ORDER_LENGTH];
        orders[at + ORDER_TAKEN] = orders[at + ORDER_FILE_COUNT];
        orders[at + ORDER_STATUS] = 0;
      }
      kernel.sends += count;
      return 0;
    },
    /** The first answer of a file comes late, from an outbox. */
    send: (_fd, _offset, length) => {
      kernel.sends++;
      return length;
    },
    /** Its client comes again, when all have been served. */
    close: (fd) => {
      if (fd === 0) backlog = CLIENT_COUNT;
      return 0;
    },
    transferred: () => [0, 0],
    peer: () => ({ address: '127.0.0.2', port: 40_000 }),
    unacknowledged: () => 0,
    now: () => control[NOW_MS],
    wallClockMs: () => 1e12,
  };
  control[DUE_AT_MS] = Number.POSITIVE_INFINITY;
  return kernel;
}
