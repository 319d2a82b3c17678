/** What came over the wire and is not what the protocol says, in words. */
export class WireError extends Error {
  override name = 'WireError';
}
