/** The order of the cells in each row: sweeps up and down by the mean place of what a cell is linked to, the best kept. */
import type { Grid, Link } from './rows';

const SWEEPS = 12;

/** Where a link leaves a cell, as a fraction of a place: a step with several outputs has them side by side. */
const leaving = ({ out }: Link) => Math.tanh(out / 200) * 0.4;

export function placesOf(rows: readonly (readonly number[])[], count: number): number[] {
  const places = new Array<number>(count).fill(0);
  for (const row of rows) {
    row.forEach((cell, i) => {
      places[cell] = i;
    });
  }
  return places;
}

/** How many pairs of links above a row cross, those of one tensor not counted. */
function crossingsAbove(links: readonly Link[], places: readonly number[]): number {
  const ends = links.map((link) => [(places[link.from] ?? 0) + leaving(link), places[link.to] ?? 0, link.net] as const);
  let sum = 0;
  for (const [i, a] of ends.entries()) {
    for (const b of ends.slice(i + 1)) if (a[2] !== b[2] && (a[0] - b[0]) * (a[1] - b[1]) < 0) sum += 1;
  }
  return sum;
}

/** The links above each row. */
const linksAbove = ({ links, cells, rows }: Grid) =>
  rows.map((_, row) => links.filter(({ from }) => cells[from]?.row === row));

export function crossings(grid: Grid, rows: readonly (readonly number[])[]): number {
  const places = placesOf(rows, grid.cells.length);
  return linksAbove(grid).reduce((sum, links) => sum + crossingsAbove(links, places), 0);
}

/** One row sorted by the mean place of its neighbours below or above; what has none keeps its place. */
function sorted(row: readonly number[], grid: Grid, places: readonly number[], below: boolean): number[] {
  const wish = row.map((cell, i) => {
    const ends = below
      ? grid.links.filter(({ to }) => to === cell).map((link) => (places[link.from] ?? 0) + leaving(link))
      : grid.links.filter(({ from }) => from === cell).map((link) => (places[link.to] ?? 0) - leaving(link));
    return { cell, i, at: ends.length === 0 ? i : ends.reduce((sum, one) => sum + one, 0) / ends.length };
  });
  return wish.sort((a, b) => a.at - b.at || a.i - b.i).map(({ cell }) => cell);
}

/** Neighbours that are better the other way round. */
function swapped(grid: Grid, given: number[][]): number[][] {
  const rows = given.map((row) => [...row]);
  const places = placesOf(rows, grid.cells.length);
  const above = linksAbove(grid);
  for (const [r, row] of rows.entries()) {
    const around = () => crossingsAbove(above[r] ?? [], places) + crossingsAbove(above[r - 1] ?? [], places);
    for (let i = 0; i + 1 < row.length; i++) {
      const [left, right] = [row[i] ?? 0, row[i + 1] ?? 0];
      const before = around();
      if (before === 0) break;
      [places[left], places[right]] = [i + 1, i];
      if (around() < before) [row[i], row[i + 1]] = [right, left];
      else [places[left], places[right]] = [i, i + 1];
    }
  }
  return rows;
}

export function ordered(grid: Grid): number[][] {
  let rows = grid.rows.map((row) => [...row]);
  let [best, least] = [rows, crossings(grid, rows)];
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    const upward = sweep % 2 === 0;
    rows = rows.map((row) => [...row]);
    for (let step = 0; step < rows.length; step++) {
      const row = upward ? step : rows.length - 1 - step;
      rows[row] = sorted(rows[row] ?? [], grid, placesOf(rows, grid.cells.length), upward);
    }
    const now = crossings(grid, rows);
    if (now < least) [best, least] = [rows, now];
  }
  return swapped(grid, best);
}
