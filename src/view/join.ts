/** A keyed join, d3's, said once: an element for each datum, which stays as long as its key does. */
import { select } from 'd3-selection';

/** What an element was joined with. */
export const datumOf = <D>(node: Element): D | undefined => select<Element, D | undefined>(node).datum();

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
  const joined = select(parent)
    .selectAll<E, D>(`:scope > ${selector}`)
    .data(all, (datum, at) => key(datum, at))
    .join((enter) => enter.append((datum) => make(datum)));
  return joined.nodes().map((node, at) => [node, all[at] as D] as const);
}
