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

/** How many pairs of links cross, those of one tensor not counted. */
export function crossings(grid: Grid, rows: readonly (readonly number[])[]): number {
  const places = placesOf(rows, grid.cells.length);
  let sum = 0;
  for (let row = 0; row + 1 < rows.length; row++) {
    const links = grid.links.filter(({ from }) => grid.cells[from]?.row === row);
    const ends = links.map(
      (link) => [(places[link.from] ?? 0) + leaving(link), places[link.to] ?? 0, link.net] as const,
    );
    for (let i = 0; i < ends.length; i++) {
      for (let j = i + 1; j < ends.length; j++) {
        const [a, b] = [ends[i], ends[j]];
        if (a && b && a[2] !== b[2] && (a[0] - b[0]) * (a[1] - b[1]) < 0) sum += 1;
      }
    }
  }
  return sum;
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
function swapped(grid: Grid, rows: number[][]): number[][] {
  let [best, least] = [rows, crossings(grid, rows)];
  for (const [r, row] of rows.entries()) {
    for (let i = 0; i + 1 < row.length && least > 0; i++) {
      const tried = best.map((one) => [...one]);
      const line = tried[r] ?? [];
      [line[i], line[i + 1]] = [line[i + 1] ?? 0, line[i] ?? 0];
      const now = crossings(grid, tried);
      if (now < least) [best, least] = [tried, now];
    }
  }
  return best;
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
