// Content that identifies its owner: every few bytes name the client and its request. So a byte that is sent to the
// wrong client, or twice, is detected.

/** `length` bytes that belong to request `request` of client `client`. */
export function contentOfRequest(client: number, request: number, length: number): Buffer {
  return Buffer.alloc(length, `<${client}.${request}>`, 'latin1');
}

/** The same for a file, which belongs to no client: its name, and the position in the file. */
export function contentOfFile(name: string, length: number): Buffer {
  return Buffer.alloc(length, `{${name}}`, 'latin1');
}
