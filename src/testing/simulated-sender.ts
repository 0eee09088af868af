// The send operations of the simulated kernel: batches of sends and file ranges.

import { EAGAIN, EBADF, EINVAL, ENODATA } from '../kernel/errno.ts';
import {
  KernelMemory,
  SEND_OP_FD,
  SEND_OP_FILE,
  SEND_OP_FILE_COUNT,
  SEND_OP_FILE_SENT,
  SEND_OP_FILE_STATUS,
  SEND_OP_LENGTH,
  SEND_OP_OFFSET,
  SEND_OP_POSITION_HIGH,
  SEND_OP_POSITION_LOW,
  SEND_OP_RESULT,
  SEND_OP_WORDS,
} from '../kernel/kernel.ts';

export abstract class SimulatedSender extends KernelMemory {
  /** The content of each open file that a batch may send, by descriptor. */
  readonly fileContents: Map<number, Uint8Array> = new Map();

  abstract send(fd: number, offset: number, length: number, bytes?: Uint8Array): number;

  sendBatch(count: number): number {
    if (count < 0 || count * SEND_OP_WORDS > this.sendOps.length) return EINVAL;
    for (let at = 0; at < count * SEND_OP_WORDS; at += SEND_OP_WORDS) {
      this.#carryOut(this.sendOps.subarray(at, at + SEND_OP_WORDS));
    }
    return 0;
  }

  #carryOut(op: Int32Array): void {
    const [fd = -1, count = 0, length = 0] = [op[SEND_OP_FD], op[SEND_OP_FILE_COUNT], op[SEND_OP_LENGTH]];
    const result = length > 0 || count === 0 ? this.send(fd, op[SEND_OP_OFFSET] ?? 0, length) : 0;
    op[SEND_OP_RESULT] = result;
    if (count === 0) return;
    op[SEND_OP_FILE_SENT] = 0;
    op[SEND_OP_FILE_STATUS] = result < 0 ? result : EAGAIN;
    if (result === length) this.#sendFileOf(op, fd, count);
  }

  /** A truncated file gives fewer bytes, or none. */
  #sendFileOf(op: Int32Array, fd: number, count: number): void {
    const content = this.fileContents.get(op[SEND_OP_FILE] ?? -1);
    const position = (op[SEND_OP_POSITION_HIGH] ?? 0) * 2 ** 32 + ((op[SEND_OP_POSITION_LOW] ?? 0) >>> 0);
    let sent = 0;
    let status = position < 0 ? EINVAL : content === undefined ? EBADF : 0;
    while (content !== undefined && status === 0 && sent < count) {
      const bytes = content.subarray(position + sent, position + count);
      const result = bytes.length === 0 ? ENODATA : this.send(fd, 0, 0, bytes);
      if (result < 0) status = result;
      else sent += result;
    }
    op[SEND_OP_FILE_SENT] = sent;
    op[SEND_OP_FILE_STATUS] = status;
  }
}
