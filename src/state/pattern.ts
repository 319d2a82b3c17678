/**
 * Who looks at whom: the pattern of a block at a moment, put together from the frames that hold its rows, and what can be
 * said of it. A pass of many tokens brings many rows, a generated token brings one; a row that no frame has is not known.
 */
import type { DecodedFrame } from '../wire/codec';
import type { Numbers } from '../wire/numbers';
import type { Column } from './moment';

/** Rows that are drawn at most; the kernel sends no more. */
export const MOST_ROWS = 128;

/** A query or a key: where it is in its text, and its token, where that is known. */
export interface Place {
  readonly position: number;
  readonly token: string | null;
}

export interface Pattern {
  readonly heads: number;
  readonly queries: readonly Place[];
  readonly keys: readonly Place[];
  /** How many queries there are before the first that is drawn. */
  readonly before: number;
  /** The weight that a query gives a key; NaN where it is not known, or where the query cannot look. */
  at(head: number, row: number, column: number): number;
}

/** Where the numbers of one query are. */
interface Row {
  readonly numbers: Numbers;
  readonly index: number;
  /** What is subtracted from a key's position to find its column. */
  readonly offset: number;
}

/**
 * The position of the first key. Keys end where the last query is, as in any cache that grows or slides; one with room
 * for more keys than there are tokens (a static cache) begins with the text.
 */
function firstKey({ of }: Numbers): number {
  const [, rows = 0, columns = 0] = of.shape;
  const end = of.first + rows;
  return columns <= end ? end - columns : 0;
}

function rowOf(numbers: Numbers | undefined, position: number): Row | null {
  if (numbers?.of.shape.length !== 3) return null;
  const index = position - numbers.of.first;
  if (index < 0 || index >= numbers.of.shape[1]) return null;
  return { numbers, index, offset: numbers.of.keys === null ? firstKey(numbers) : 0 };
}

function weight({ numbers, index, offset }: Row, head: number, position: number): number {
  const [, rows = 0, columns = 0] = numbers.of.shape;
  const column = position - offset;
  if (column < 0) return 0;
  return column < columns ? (numbers.values[(head * rows + index) * columns + column] ?? Number.NaN) : 0;
}

const places = (tokens: readonly (string | null)[], from: number, count: number): Place[] =>
  Array.from({ length: count }, (_, i) => ({ position: from + i, token: tokens[from + i] ?? null }));

/** What a pattern is made of. */
export interface Given {
  readonly name: string;
  readonly frame: DecodedFrame;
  /** The frames that have the last tokens of the text. */
  readonly columns: readonly (Column | null)[];
  /** The text, from its beginning. */
  readonly tokens: readonly (string | null)[];
  /** Whether a query looks at no key that comes after it. */
  readonly causal: boolean;
}

/** The pattern of a block in a frame; null where the frame has nothing of it. */
export function patternOf(given: Given): Pattern | null {
  const newest = given.frame.inside.get(given.name);
  if (newest?.of.shape.length !== 3) return null;
  const [heads, count, width] = newest.of.shape as readonly [number, number, number];
  const { queries: theirs, keys: looked, first } = newest.of;
  const end = given.frame.header.first + given.frame.header.positions;
  const start = theirs === null ? Math.max(0, end - given.columns.length) : first;
  const rows =
    theirs === null
      ? given.columns.map((column, i) => rowOf(column?.frame.inside.get(given.name), start + i))
      : Array.from({ length: count }, (_, i) => rowOf(newest, first + i));
  const known = rows.findIndex((row) => row !== null);
  if (known < 0) return null;
  const queries = places(theirs ?? given.tokens, start + known, rows.length - known);
  const keys = places(looked ?? given.tokens, 0, looked === null ? end : width);
  return {
    heads,
    queries,
    keys,
    before: start + known,
    at(head, row, column) {
      const of = rows[known + row];
      if (!of || (given.causal && looked === null && column > (queries[row]?.position ?? 0))) return Number.NaN;
      return weight(of, head, column);
    },
  };
}

/** The matrix of a linear mixer, as a pattern. */
export function matrixPattern(numbers: Numbers, tokens: readonly (string | null)[]): Pattern {
  const [heads, count, width = 0] = numbers.of.shape as readonly [number, number, number];
  return {
    heads,
    queries: places(tokens, 0, count),
    keys: places(tokens, 0, width),
    before: 0,
    at: (head, row, column) =>
      column > row ? Number.NaN : (numbers.values[(head * count + row) * width + column] ?? Number.NaN),
  };
}

/** What a head does, where its pattern says it plainly. */
export type Habit = 'first token' | 'previous' | 'itself' | 'diffuse' | 'sink' | null;

/** The shares from which a habit is one, of the mean over all rows that are drawn and see at least three keys. */
const MASS = 0.5;
const ENTROPY = 0.8;
const FEWEST = 3;

/**
 * What a head does, by a rule: more than half of its weight is on the first token, on the token before, on the token
 * itself, or (with sinks) on nothing; or its entropy is over 0.8 of that of looking at all keys alike. Else null.
 */
export function habitOf(pattern: Pattern, head: number): Habit {
  const sums = { first: 0, previous: 0, itself: 0, all: 0, entropy: 0 };
  let rows = 0;
  pattern.queries.forEach(({ position }, row) => {
    const weights = pattern.keys.map((_, column) => pattern.at(head, row, column)).filter((x) => !Number.isNaN(x));
    if (weights.length < FEWEST) return;
    const total = weights.reduce((sum, x) => sum + x, 0);
    rows += 1;
    sums.all += total;
    sums.first += weights[0] ?? 0;
    sums.previous += weights[position - 1] ?? 0;
    sums.itself += weights[position] ?? 0;
    const entropy = weights.reduce((sum, x) => (x > 0 ? sum - (x / total) * Math.log(x / total) : sum), 0);
    sums.entropy += entropy / Math.log(weights.length);
  });
  if (rows === 0) return null;
  if (sums.all / rows < MASS) return 'sink';
  if (sums.first / rows > MASS) return 'first token';
  if (sums.previous / rows > MASS) return 'previous';
  if (sums.itself / rows > MASS) return 'itself';
  return sums.entropy / rows > ENTROPY ? 'diffuse' : null;
}

/** How much of a head's weight is elsewhere than in another pattern: half the sum of differences, the mean over rows. */
export function moved(a: Pattern, b: Pattern, head: number): number {
  if (a.queries.length !== b.queries.length || a.keys.length !== b.keys.length) return Number.NaN;
  let [sum, rows] = [0, 0];
  a.queries.forEach((_, row) => {
    let [here, seen] = [0, false];
    a.keys.forEach((_, column) => {
      const off = Math.abs(a.at(head, row, column) - b.at(head, row, column));
      if (Number.isNaN(off)) return;
      here += off;
      seen = true;
    });
    if (!seen) return;
    sum += here / 2;
    rows += 1;
  });
  return rows === 0 ? Number.NaN : sum / rows;
}

/** One pattern less another, where both are known. */
export function difference(a: Pattern, b: Pattern): Pattern {
  return { ...a, at: (head, row, column) => a.at(head, row, column) - b.at(head, row, column) };
}

/** The key that a query looks at most, by size; null where it looks at none. */
export function strongest(pattern: Pattern, head: number, row: number): { column: number; weight: number } | null {
  let best: { column: number; weight: number } | null = null;
  pattern.keys.forEach((_, column) => {
    const value = pattern.at(head, row, column);
    if (!Number.isNaN(value) && (best === null || Math.abs(value) > Math.abs(best.weight))) {
      best = { column, weight: value };
    }
  });
  return best;
}
