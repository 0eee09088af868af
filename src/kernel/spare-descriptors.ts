// Descriptors that can be given back when the process runs out of them. All servers of a process share its descriptors.
// So files that one server keeps open may be closed for another server.

/** Closes some descriptors. False: it has none to give. */
export type GiveBack = () => boolean;

/** Of this thread. */
const givers = new Set<GiveBack>();

/** `giveBack` is called when descriptors run out, until the returned function is called. */
export function offerDescriptors(giveBack: GiveBack): () => void {
  givers.add(giveBack);
  return () => givers.delete(giveBack);
}

/** Has everything that keeps spare descriptors give some back. False: there are none. */
export function relieveDescriptors(): boolean {
  let isRelieved = false;
  for (const giveBack of givers) isRelieved = giveBack() || isRelieved;
  return isRelieved;
}
