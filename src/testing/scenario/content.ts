// Content that says whose it is: every few bytes name the client and its request, so that a byte that went to
// the wrong client, or came twice, cannot look right.

/** `length` bytes that belong to request `request` of client `client`. */
export function contentOfRequest(client: number, request: number, length: number): Buffer {
  return Buffer.alloc(length, `<${client}.${request}>`, 'latin1');
}

/** The same for a file, which is nobody's: its name, and where in the file. */
export function contentOfFile(name: string, length: number): Buffer {
  return Buffer.alloc(length, `{${name}}`, 'latin1');
}
