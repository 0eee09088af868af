// A kernel without system calls: in each turn all clients send a request, and every send succeeds completely.

import { loadAddon } from '../build/modules/kernel/addon.js';
import { EAGAIN } from '../build/modules/kernel/errno.js';
import {
  DUE_AT_MS,
  EVENT_WORDS,
  HEAD_SLOT_WORDS,
  KernelMemory,
  NOT_PREFETCHED,
  NOW_MS,
  PREFETCH_BYTES,
  READABLE,
  SEND_OP_FILE_COUNT,
  SEND_OP_FILE_SENT,
  SEND_OP_FILE_STATUS,
  SEND_OP_LENGTH,
  SEND_OP_RESULT,
  SEND_OP_WORDS,
} from '../build/modules/kernel/kernel.js';
import { CLIENT_COUNT } from './workloads.js';

/** The descriptor of the listener, behind those of the clients. */
export const LISTENER = CLIENT_COUNT;

/** The sizes of the real kernel (src/kernel/native-kernel.ts). */
const SIZES = { eventCapacity: 256, sendOpCapacity: 16, receiveBytes: 65_536, outputBytes: 131_072 };
const FIRST_DIGITS = 100_000;
const DIGIT_COUNT = 6;

/** The requests of all clients, each in its prefetch slot: receiving them costs no instructions. */
function createRequests({ input, heads, receiveBytes }) {
  const slots = input.subarray(receiveBytes);
  const { scanHeads } = loadAddon();
  const lengths = new Int32Array(CLIENT_COUNT);
  let changing = [];
  let digits = FIRST_DIGITS;
  return {
    lengths,
    /** Replaces the requests of the clients; six digits change at each of the offsets `digitsAt`. */
    record: (requests) => {
      changing = requests.flatMap(({ digitsAt }, client) => digitsAt.map((at) => client * PREFETCH_BYTES + at));
      for (const [client, { bytes }] of requests.entries()) {
        if (bytes.length > PREFETCH_BYTES)
          throw new RangeError(
            `a request of ${bytes.length} bytes does not fit into a slot of ${PREFETCH_BYTES} bytes`,
          );
        slots.set(bytes, client * PREFETCH_BYTES);
        lengths[client] = bytes.length;
        // The digits that change do not move any part of a head, so that its scan stays valid.
        const start = receiveBytes + client * PREFETCH_BYTES;
        scanHeads(input, start, start + bytes.length, heads.subarray(client * HEAD_SLOT_WORDS));
      }
    },
    /** Changes the digits in the requests of the next turn. */
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
 * `stepMs`: the time that passes with each turn. `loaders`: at first this many clients send requests one after the
 * other, so that each loads its file into memory. `isSingle`: each connection carries one request.
 */
export function createReplayKernel({ stepMs, loaders, isSingle }) {
  const memory = new KernelMemory(SIZES);
  const { control, events, sendOps, input, heads, receiveBytes } = memory;
  const requests = createRequests(memory);
  const { scanHeads } = loadAddon();
  let asked = 0;
  /** Connections that wait to be accepted before all clients send. */
  let backlog = isSingle ? CLIENT_COUNT : 0;

  /** Reports descriptor `fd` as readable without prefetched bytes. */
  function showOne(fd) {
    events.set([fd, 1, READABLE, NOT_PREFETCHED]);
    return 1;
  }

  function showClients() {
    requests.change();
    for (let client = 0; client < CLIENT_COUNT; client++) {
      events[client * EVENT_WORDS] = client;
      events[client * EVENT_WORDS + 1] = 1;
      events[client * EVENT_WORDS + 2] = READABLE;
      events[client * EVENT_WORDS + 3] = requests.lengths[client];
    }
    return CLIENT_COUNT;
  }

  const kernel = {
    ...memory,
    traits: { name: 'replay', edgeTriggered: true, hasDescriptor: false, seesHangup: true, maxDescriptors: 0 },
    record: requests.record,
    /** The number of sends: one for all requests of a client in a turn. */
    sends: 0,
    wait: () => {
      control[NOW_MS] += stepMs;
      if (asked < loaders) return kernel.sends < asked ? 0 : showOne(asked++);
      if (kernel.sends < loaders) return 0;
      return backlog > 0 ? showOne(LISTENER) : showClients();
    },
    accept: () => (backlog > 0 ? --backlog : EAGAIN),
    add: () => 1,
    prefetch: () => 0,
    /** For a client that sends alone. */
    recv: (fd, offset) => {
      const slot = receiveBytes + fd * PREFETCH_BYTES;
      input.copyWithin(offset, slot, slot + requests.lengths[fd]);
      scanHeads(input, offset, offset + requests.lengths[fd], heads.subarray(SIZES.eventCapacity * HEAD_SLOT_WORDS));
      return requests.lengths[fd];
    },
    sendBatch: (count) => {
      for (let at = 0; at < count * SEND_OP_WORDS; at += SEND_OP_WORDS) {
        sendOps[at + SEND_OP_RESULT] = sendOps[at + SEND_OP_LENGTH];
        sendOps[at + SEND_OP_FILE_SENT] = sendOps[at + SEND_OP_FILE_COUNT];
        sendOps[at + SEND_OP_FILE_STATUS] = 0;
      }
      kernel.sends += count;
      return 0;
    },
    /** The first response with a file is sent later, from an outbox. */
    send: (_fd, _offset, length) => {
      kernel.sends++;
      return length;
    },
    /** The client connects again after all have been served. */
    close: (fd) => {
      if (fd === 0) backlog = CLIENT_COUNT;
      return 0;
    },
    transferred: () => [0, 0],
    peer: () => ({ address: '127.0.0.2', port: 40_000 }),
    wireSent: () => 0,
    acknowledged: () => 0,
    now: () => control[NOW_MS],
    wallClockMs: () => 1e12,
  };
  control[DUE_AT_MS] = Number.POSITIVE_INFINITY;
  return kernel;
}
