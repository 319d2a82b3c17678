/**
 * Which row each step stands in: above all that it reads, and one row higher for as long as its row is too wide. A wire
 * that passes a row has a place of its own in it, so that it can be led straight and through nothing.
 */
import type { Graph } from './nets';
import type { Sized } from './sizes';

/** Room between neighbours in a row, and half of what a passing wire needs for itself. */
export const GAP = 14;
const LANE = 3;

/** A place in a row: a step, or where the tensor of a net passes by. */
export interface Cell {
  /** -1 for a wire that passes. */
  readonly step: number;
  readonly net: number;
  readonly row: number;
  readonly left: number;
  readonly right: number;
}

/** A piece of a net from a row to the next. */
export interface Link {
  readonly from: number;
  readonly to: number;
  readonly net: number;
  /** From the middle of where it comes from, to where it leaves it. */
  readonly out: number;
}

export interface Grid {
  readonly cells: readonly Cell[];
  /** The cells of each row, from the lowest. */
  readonly rows: readonly (readonly number[])[];
  readonly links: readonly Link[];
  /** For each net, the cell at which it passes a row. */
  readonly lanes: ReadonlyMap<string, number>;
}

/** What else is given than what the block reads: it stands where there is room, best right under its reader. */
const isLoose = (step: number, { reads }: Graph) => step > 0 && reads[step]?.length === 0;

/** The row of a step that is not placed yet. */
const AWAY = -1;

/** Rows by the longest way to each step, none lower than its floor. */
export function longest(graph: Graph, floors: readonly number[] = []): number[] {
  const rows: number[] = [];
  for (let step = 0; step < graph.count; step++) {
    const below = (graph.reads[step] ?? []).map((one) => (rows[one] ?? 0) + 1);
    rows.push(Math.max(floors[step] ?? 0, ...below));
  }
  for (let step = graph.count - 1; step >= 0; step--) {
    if (!isLoose(step, graph)) continue;
    const above = (graph.readers[step] ?? []).map((one) => (rows[one] ?? 0) - 1);
    rows[step] = Math.max(0, Math.min(...above, Math.max(...rows)));
  }
  return rows;
}

/** How wide each row is, with the wires that pass it. */
function widthsOf(rows: readonly number[], { nets }: Graph, sizes: readonly Sized[]): number[] {
  const widths = new Array<number>(Math.max(0, ...rows) + 1).fill(-GAP);
  const add = (row: number, width: number) => {
    widths[row] = (widths[row] ?? 0) + width + GAP;
  };
  for (const [step, { left, right }] of sizes.entries()) if (rows[step] !== AWAY) add(rows[step] ?? 0, left + right);
  for (const { source, targets } of nets) {
    if (rows[source] === AWAY) continue;
    const last = targets.reduce((row, target) => Math.max(row, rows[target] ?? 0), 0);
    for (let row = (rows[source] ?? 0) + 1; row < last; row++) add(row, 2 * LANE);
  }
  return widths;
}

/** The step of a row that is best moved up: the one with most air above it, and of these the last. */
function movable(row: number, rows: readonly number[], graph: Graph): number | null {
  const inRow = rows.flatMap((one, step) => (one === row && !isLoose(step, graph) ? [step] : []));
  if (row === 0 || inRow.length < 2) return null;
  const air = (step: number) => Math.min(99, ...(graph.readers[step] ?? []).map((one) => rows[one] ?? 0)) - row;
  return inRow.reduce((best, step) => (air(step) >= air(best) ? step : best));
}

export interface Assigned {
  readonly rows: readonly number[];
  /** How many rows are too wide all the same. */
  readonly full: number;
}

/** Put each loose step into the highest row with room for it and for its wire above; returns those that found none. */
function settleLoose(rows: number[], graph: Graph, widths: () => number[], width: number): number[] {
  const loose = rows.flatMap((row, step) => (isLoose(step, graph) ? [{ step, highest: row }] : []));
  for (const { step } of loose) rows[step] = AWAY;
  return loose.flatMap(({ step, highest }) => {
    for (let row = highest; row >= 0; row--) {
      rows[step] = row;
      if (
        widths()
          .slice(row, highest + 1)
          .every((one) => one <= width)
      )
        return [];
    }
    rows[step] = highest;
    return [step];
  });
}

/** A row for each step, such that rows are no wider than the width if that can be. */
export function assignRows(graph: Graph, sizes: readonly Sized[], width: number): Assigned {
  const floors = sizes.map(() => 0);
  for (let moved = 0; ; moved++) {
    const rows = longest(graph, floors);
    const widths = () => widthsOf(rows, graph, sizes);
    const homeless = settleLoose(rows, graph, widths, width);
    const full = widths().flatMap((one, row) => (one > width ? [row] : []));
    // A step that has no room for what it is given besides goes one up, and that after it.
    const readers = (graph.readers[homeless[0] ?? -1] ?? []).map((step) => ({ step, row: rows[step] ?? 0 }));
    const reader = readers.sort((a, b) => a.row - b.row)[0]?.step;
    const step = full.map((row) => movable(row, rows, graph)).find((one) => one !== null) ?? reader;
    if (full.length === 0 || step === undefined || moved > 2 * graph.count) return { rows, full: full.length };
    floors[step] = (rows[step] ?? 0) + 1;
  }
}

/** The cells of all rows, in the order in which the steps ran, with the links between neighbouring rows. */
export function gridOf(graph: Graph, sizes: readonly Sized[], rowOf: readonly number[]): Grid {
  const cells: Cell[] = sizes.map(({ left, right }, step) => ({ step, net: -1, row: rowOf[step] ?? 0, left, right }));
  const links: Link[] = [];
  const lanes = new Map<string, number>();
  graph.nets.forEach(({ source, targets }, net) => {
    const out = sizes[source]?.outs.get(net) ?? 0;
    const [first, last] = [rowOf[source] ?? 0, Math.max(...targets.map((one) => rowOf[one] ?? 0))];
    let from = source;
    for (let row = first + 1; row <= last; row++) {
      const leaving = from === source ? out : 0;
      for (const to of targets.filter((one) => rowOf[one] === row)) links.push({ from, to, net, out: leaving });
      if (row === last) break;
      lanes.set(`${net}@${row}`, cells.length);
      links.push({ from, to: cells.length, net, out: leaving });
      from = cells.length;
      cells.push({ step: -1, net, row, left: LANE, right: LANE });
    }
  });
  const rows: number[][] = Array.from({ length: Math.max(0, ...rowOf) + 1 }, () => []);
  cells.forEach(({ row }, i) => {
    rows[row]?.push(i);
  });
  return { cells, rows, links, lanes };
}
