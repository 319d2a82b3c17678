/** A scene between two others: what has the same key in both moves, what is new is where it will be. */

type Bag = Readonly<Record<string, unknown>>;

const isBag = (of: unknown): of is Bag => typeof of === 'object' && of !== null && !Array.isArray(of);
const keyOf = (of: unknown): unknown => (isBag(of) ? of.key : undefined);

function among(from: readonly unknown[], to: readonly unknown[], share: number): unknown[] {
  const known = new Map(from.map((one) => [keyOf(one), one]));
  return to.map((one, i) => {
    const key = keyOf(one);
    return between(key === undefined ? from[i] : known.get(key), one, share);
  });
}

/** All numbers of `to` on their way from those of `from`; the share of the way is 0 to 1. */
export function between<T>(from: unknown, to: T, share: number): T {
  if (typeof from === 'number' && typeof to === 'number') return (from + (to - from) * share) as T;
  if (Array.isArray(from) && Array.isArray(to)) return among(from, to, share) as T;
  if (!isBag(from) || !isBag(to)) return to;
  return Object.fromEntries(Object.entries(to).map(([name, value]) => [name, between(from[name], value, share)])) as T;
}
