/**
 * Where cells are from left to right. Cells on one straight wire are one column: it moves as a whole. First the columns
 * are put as far to the left and as far to the right as their neighbours let them, which gives a place between for each;
 * then each moves towards what it is linked to, as far as its neighbours let it.
 */
import { placesOf } from './order';
import { GAP, type Grid, type Link } from './rows';

interface Columns {
  /** For each cell its column, and how far it is from the column's middle. */
  readonly of: readonly number[];
  readonly shift: readonly number[];
}

/** Neighbours in a row: the middle of `b` is at least `apart` to the right of that of `a`. */
interface Apart {
  readonly a: number;
  readonly b: number;
  readonly apart: number;
}

/** The one in the middle of some links, seen from a cell; of two in the middle, the only one that is no passing wire. */
function middle(links: readonly Link[], end: 'from' | 'to', grid: Grid, places: readonly number[]): Link | null {
  const half = (links.length - 1) / 2;
  const along = [...links].sort((a, b) => (places[a[end]] ?? 0) - (places[b[end]] ?? 0));
  const [low, high] = [along[Math.floor(half)], along[Math.ceil(half)]];
  if (low === high) return low ?? null;
  const steps = [low, high].filter((link) => link && grid.cells[link[end]]?.step !== -1);
  return steps.length === 1 ? (steps[0] ?? null) : null;
}

/** Links that should be straight, the most wished for first: within a passing wire, then where both ends want it. */
function wishes(grid: Grid, places: readonly number[]): Link[] {
  const passing = (link: Link) => [link.from, link.to].every((cell) => grid.cells[cell]?.step === -1);
  const ups = groupBy(grid.links, ({ from }) => from);
  const downs = groupBy(grid.links, ({ to }) => to);
  const wished = (link: Link) =>
    middle(ups.get(link.from) ?? [], 'to', grid, places) === link &&
    middle(downs.get(link.to) ?? [], 'from', grid, places) === link;
  const straight = grid.links.filter((link) => !passing(link) && wished(link));
  const chosen: Link[] = [];
  // Of links that cross, one alone can be straight.
  for (const link of [...grid.links.filter(passing), ...straight]) {
    const row = grid.cells[link.from]?.row;
    const side = (of: Link, end: 'from' | 'to') => (places[of[end]] ?? 0) - (places[link[end]] ?? 0);
    const clash = (one: Link) => grid.cells[one.from]?.row === row && side(one, 'from') * side(one, 'to') <= 0;
    if (!chosen.some(clash)) chosen.push(link);
  }
  return chosen;
}

function groupBy(links: readonly Link[], key: (link: Link) => number): Map<number, Link[]> {
  const groups = new Map<number, Link[]>();
  for (const link of links) groups.set(key(link), [...(groups.get(key(link)) ?? []), link]);
  return groups;
}

/** Cells in columns, by the links that are straight. */
function columnsOf(grid: Grid, straight: readonly Link[]): Columns {
  const up = new Map(straight.map((link) => [link.from, link]));
  const down = new Set(straight.map(({ to }) => to));
  const [of, shift] = [new Array<number>(grid.cells.length).fill(-1), new Array<number>(grid.cells.length).fill(0)];
  for (const first of grid.rows.flat().filter((cell) => !down.has(cell))) {
    for (let cell: number | undefined = first, at = 0; cell !== undefined; ) {
      of[cell] = first;
      shift[cell] = at;
      const link = up.get(cell);
      at += link?.out ?? 0;
      cell = link?.to;
    }
  }
  return { of, shift };
}

function neighbours(grid: Grid, rows: readonly (readonly number[])[], { of, shift }: Columns): Apart[] {
  return rows.flatMap((row) =>
    row.slice(1).map((cell, i): Apart => {
      const before = row[i] ?? 0;
      const apart = (grid.cells[before]?.right ?? 0) + GAP + (grid.cells[cell]?.left ?? 0);
      return { a: of[before] ?? 0, b: of[cell] ?? 0, apart: apart + (shift[before] ?? 0) - (shift[cell] ?? 0) };
    }),
  );
}

/** Push columns apart until all keep their distance: to the right of a least place, or with -1 to the left of a most. */
function pushed(start: Map<number, number>, all: readonly Apart[], way: 1 | -1): Map<number, number> {
  const at = new Map(start);
  for (let again = true, rounds = 0; again && rounds <= at.size; rounds++) {
    again = false;
    for (const { a, b, apart } of all) {
      const [fixed, moved] = way === 1 ? [a, b] : [b, a];
      const least = (at.get(fixed) ?? 0) + way * apart;
      if (((at.get(moved) ?? 0) - least) * way >= -1e-6) continue;
      at.set(moved, least);
      again = true;
    }
  }
  return at;
}

function bounds(grid: Grid, { of, shift }: Columns, width: number, way: 1 | -1): Map<number, number> {
  const at = new Map<number, number>();
  grid.cells.forEach(({ left, right }, i) => {
    const column = of[i] ?? 0;
    const edge = way === 1 ? left - (shift[i] ?? 0) : width - right - (shift[i] ?? 0);
    const known = at.get(column);
    at.set(column, known === undefined ? edge : way === 1 ? Math.max(known, edge) : Math.min(known, edge));
  });
  return at;
}

const ROUNDS = 16;
/** In the last of them a column stands where most of its wires are straight, not in the middle of all. */
const STRAIGHTENING = 4;

/** Of the places where one of its wires is straight, and the middle, the one with most straight wires, nearest to it. */
function straightened(wanted: readonly number[], mean: number, least: number, most: number): number {
  const tried = [mean, ...wanted].filter((x) => x >= least && x <= most);
  const score = (x: number) => wanted.filter((one) => Math.abs(one - x) < 0.5).length - Math.abs(x - mean) / 1e4;
  return tried.reduce((best, x) => (score(x) > score(best) ? x : best), clamped(mean, least, most));
}

/** What holds a column: what pulls it to a place, and how near it may come to its neighbours on either side. */
interface Held {
  readonly pulls: (readonly [other: number, distance: number])[];
  readonly lefts: Apart[];
  readonly rights: Apart[];
}

function heldOf(keys: readonly number[], all: readonly Apart[], grid: Grid, { of, shift }: Columns): Map<number, Held> {
  const held = new Map(keys.map((key): [number, Held] => [key, { pulls: [], lefts: [], rights: [] }]));
  for (const one of all) {
    held.get(one.b)?.lefts.push(one);
    held.get(one.a)?.rights.push(one);
  }
  for (const { from, to, out } of grid.links) {
    const [a, b] = [of[from] ?? 0, of[to] ?? 0];
    if (a === b) continue;
    const distance = (shift[from] ?? 0) + out - (shift[to] ?? 0);
    held.get(b)?.pulls.push([a, distance]);
    held.get(a)?.pulls.push([b, -distance]);
  }
  return held;
}

/** Move each column to the mean of what it is linked to, no further than its neighbours are. */
function settled(start: Map<number, number>, all: readonly Apart[], grid: Grid, columns: Columns, width: number) {
  const at = new Map(start);
  const x = (key: number) => at.get(key) ?? 0;
  const [low, high] = [bounds(grid, columns, width, 1), bounds(grid, columns, width, -1)];
  const keys = [...at.keys()].sort((a, b) => x(a) - x(b));
  const held = heldOf(keys, all, grid, columns);
  for (let round = 0; round < ROUNDS; round++) {
    for (const key of round % 2 === 0 ? keys : [...keys].reverse()) {
      const { pulls, lefts, rights } = held.get(key) as Held;
      if (pulls.length === 0) continue;
      const wanted = pulls.map(([other, distance]) => x(other) + distance);
      const mean = wanted.reduce((sum, one) => sum + one, 0) / wanted.length;
      const least = lefts.reduce((most, { a, apart }) => Math.max(most, x(a) + apart), low.get(key) ?? 0);
      const most = rights.reduce((few, { b, apart }) => Math.min(few, x(b) - apart), high.get(key) ?? 0);
      const late = round >= ROUNDS - STRAIGHTENING;
      at.set(key, late ? straightened(wanted, mean, least, Math.max(least, most)) : clamped(mean, least, most));
    }
  }
  return at;
}

const clamped = (x: number, least: number, most: number) => Math.max(least, Math.min(x, Math.max(least, most)));

/** How much more than the least width is taken, where there is more. */
const AIRY = 1.12;

interface Fit {
  readonly columns: Columns;
  readonly all: readonly Apart[];
  readonly lefts: Map<number, number>;
  readonly needed: number;
}

function fitOf(grid: Grid, rows: readonly (readonly number[])[], straight: readonly Link[]): Fit {
  const columns = columnsOf(grid, straight);
  const all = neighbours(grid, rows, columns);
  const lefts = pushed(bounds(grid, columns, 0, 1), all, 1);
  return {
    columns,
    all,
    lefts,
    needed: Math.max(...placesIn(grid, columns, lefts).map((x, i) => x + (grid.cells[i]?.right ?? 0))),
  };
}

const placesIn = (grid: Grid, { of, shift }: Columns, at: ReadonlyMap<number, number>): number[] =>
  grid.cells.map((_, i) => (at.get(of[i] ?? 0) ?? 0) + (shift[i] ?? 0));

/** As many straight wires as there is room for: the straighter they are, the wider it gets. */
function straightest(grid: Grid, rows: readonly (readonly number[])[], width: number): Fit {
  const wished = wishes(grid, placesOf(rows, grid.cells.length));
  const whole = fitOf(grid, rows, wished);
  if (whole.needed <= width) return whole;
  /** Those of some more that there is room for: all, or else of one half and then of the other. */
  const kept = (already: readonly Link[], more: readonly Link[]): readonly Link[] => {
    const both = [...already, ...more];
    if (fitOf(grid, rows, both).needed <= width) return both;
    if (more.length === 1) return already;
    const half = Math.ceil(more.length / 2);
    return kept(kept(already, more.slice(0, half)), more.slice(half));
  };
  return fitOf(grid, rows, kept([], wished));
}

/** The middle of each cell. */
export function placed(grid: Grid, rows: readonly (readonly number[])[], width: number): number[] {
  const { columns, all, lefts, needed } = straightest(grid, rows, width);
  const taken = Math.max(needed, Math.min(width, needed * AIRY));
  const rights = pushed(bounds(grid, columns, taken, -1), all, -1);
  const between = new Map([...lefts].map(([key, x]) => [key, (x + (rights.get(key) ?? x)) / 2]));
  return placesIn(grid, columns, settled(between, all, grid, columns, taken));
}
