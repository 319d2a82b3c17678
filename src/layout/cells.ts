/** Heads and experts as cells: few get a name and a value, many a compact grid. */
import type { CellsOf } from './kinds';
import type { CellBox, Point } from './scene';

/** More than this many cells have no room for names. */
const LABELLED = 16;
const LABELLED_SIZE = { w: 42, h: 28, flat: 20, least: 24, gap: 6 };
const COMPACT = { gap: 1.4, largest: 18, least: 4, most: 12, flat: 7 };
/** Hundreds of them: smaller, so that they do not fill the picture. */
const TINY = { gap: 1, largest: 18, least: 3, most: 5, flat: 7 };

export interface Grid {
  readonly columns: number;
  readonly w: number;
  readonly h: number;
  readonly gap: number;
  /** Additional space between cells of different key/value heads. */
  readonly split: number;
  readonly labelled: boolean;
}

/** The most columns up to a limit that leave no ragged last row, if there is such a number above half the limit. */
function even(count: number, most: number): number {
  const limit = Math.max(1, Math.min(count, most));
  for (let columns = limit; columns > limit / 2; columns--) if (count % columns === 0) return columns;
  return limit;
}

/**
 * A grid for cells in so much width; names are given up where they would make it taller than `most` rows. Flat ones have no
 * room for values: heads that nothing is measured of only say how many they are.
 */
export function gridOf({ prefix, count, shared }: CellsOf, width: number, most: number, flat = false): Grid {
  const { least: narrow, gap: apart } = LABELLED_SIZE;
  const across = even(count, Math.floor((width + apart) / (narrow + apart + (shared > 1 ? 2 : 0))));
  if (count <= LABELLED && Math.ceil(count / across) <= most) {
    const [columns, gap] = [across, apart];
    const split = shared > 1 && shared < columns && columns % shared === 0 ? 5 : 0;
    const room = width - gap * (columns - 1) - split * (Math.ceil(columns / shared) - 1);
    return {
      columns,
      w: Math.min(LABELLED_SIZE.w, room / columns),
      h: flat ? LABELLED_SIZE.flat : LABELLED_SIZE.h,
      gap,
      split,
      labelled: true,
    };
  }
  const cell = count > 256 ? TINY : COMPACT;
  const row = flat && prefix === 'H';
  const wanted = row ? 32 : count <= 32 ? 8 : count <= 256 ? 16 : 32;
  const fitting = Math.floor((width + cell.gap) / (cell.least + cell.gap));
  const columns = even(count, Math.min(wanted, fitting));
  const apartBy = shared > 1 && shared < columns && columns % shared === 0 ? 3 : 0;
  const roomWith = (by: number) => width - cell.gap * (columns - 1) - by * (columns / shared - 1);
  const split = roomWith(apartBy) >= columns * cell.least ? apartBy : 0;
  const room = roomWith(split);
  const size = Math.max(cell.least, Math.min(cell.largest, room / columns));
  return { columns, w: size, h: Math.min(size, row ? cell.flat : cell.most), gap: cell.gap, split, labelled: false };
}

const rows = (count: number, grid: Grid) => Math.ceil(count / grid.columns);

export function gridHeight(cells: CellsOf, grid: Grid): number {
  const n = rows(cells.count, grid);
  return n * grid.h + (n - 1) * grid.gap;
}

/** How far right the grid reaches. */
export function gridWidth(cells: CellsOf, grid: Grid): number {
  const splits = grid.split === 0 ? 0 : Math.ceil(grid.columns / cells.shared) - 1;
  return grid.columns * grid.w + (grid.columns - 1) * grid.gap + splits * grid.split;
}

export function placeCells(cells: CellsOf, grid: Grid, at: Point, block: { key: string; address: string }): CellBox[] {
  return Array.from({ length: cells.count }, (_, index) => {
    const [column, row] = [index % grid.columns, Math.floor(index / grid.columns)];
    const name = `${cells.prefix}${index}`;
    return {
      key: `${block.key}.${name}`,
      address: `${block.address}.${name}`,
      name,
      index,
      labelled: grid.labelled,
      x: at.x + column * (grid.w + grid.gap) + Math.floor(column / cells.shared) * grid.split,
      y: at.y + row * (grid.h + grid.gap),
      w: grid.w,
      h: grid.h,
    };
  });
}
