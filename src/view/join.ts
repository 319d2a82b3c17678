/** A keyed join: an element for each datum, which stays as long as its key does. */

const data = new WeakMap<Element, unknown>();

/** What an element was joined with. */
export const datumOf = <D>(node: Element): D | undefined => data.get(node) as D | undefined;

/** The elements of a join and what each is of, in the order of the data. */
export type Joined<E extends Element, D> = readonly (readonly [node: E, datum: D])[];

/** The key that a datum has, else its place. */
const keyOf = (datum: unknown, at: number): string | number => (datum as { key?: string } | undefined)?.key ?? at;

/**
 * One child of `parent` for each datum, in their order: kept where there was one of the same key among those that
 * `selector` names, else made; what is left over is taken away. No selector may name the children of another join.
 */
export function join<E extends Element, D>(
  parent: Element,
  selector: string,
  all: readonly D[],
  make: (datum: D) => E,
  key: (datum: D, at: number) => string | number = keyOf,
): Joined<E, D> {
  const left = new Set(parent.querySelectorAll<E>(`:scope > ${selector}`));
  const before = new Map([...left].map((node, at) => [key(datumOf<D>(node) as D, at), node]));
  const joined = all.map((datum, at) => {
    const name = key(datum, at);
    const node = before.get(name) ?? parent.appendChild(make(datum));
    before.delete(name);
    left.delete(node);
    data.set(node, datum);
    return [node, datum] as const;
  });
  for (const node of left) node.remove();
  if (joined.length > 1) order(joined.map(([node]) => node));
  return joined;
}

/** What `compareDocumentPosition` says of a node that comes later. */
const FOLLOWING = 4;

/** Put elements in this order, and move none that is in it. */
function order(nodes: readonly Element[]): void {
  nodes.reduceRight((next, node) => {
    const follows = node.nextSibling === next || node.compareDocumentPosition(next) & FOLLOWING;
    if (!follows) next.before(node);
    return node;
  });
}
