/** Layers × experts: how large a cell is in so much room, which cell is where, and which are neighbours. */
import type { Mixture, Spot } from '../state/routing';

/** In whole device pixels, so that no cell is blurred; the last columns take what is left over. */
export interface RasterGrid {
  readonly rows: number;
  readonly columns: number;
  /** Device pixels of all of it. */
  readonly width: number;
  readonly height: number;
  /** Of one cell, as a number that may be no whole one; its edges are rounded. */
  readonly cellWidth: number;
  readonly cellHeight: number;
  /** Between two cells, within the cell's own width and height; 0 where they are too small for one. */
  readonly gap: number;
}

const LARGEST = { w: 112, h: 34 };
/** CSS pixels of the height that many layers share, and the least and most of one. */
const TALL = { all: 340, least: 5 };
/** A cell of fewer CSS pixels has no room for a gap. */
const GAPPED = 4;

export function rasterGrid(mixtures: readonly Mixture[], room: number, density: number): RasterGrid {
  const rows = mixtures.length;
  const columns = Math.max(1, ...mixtures.map(({ experts }) => experts));
  const whole = (css: number) => Math.max(1, Math.round(css * density));
  const wide = Math.min(LARGEST.w, room / columns) * density;
  // Whole pixels where that wastes little of the room.
  const cellWidth = wide >= 4 ? Math.floor(wide) : wide;
  const cellHeight = whole(Math.max(TALL.least, Math.min(LARGEST.h, TALL.all / Math.max(1, rows))));
  const gap = Math.min(cellWidth, cellHeight) >= GAPPED * density ? Math.max(1, Math.round(density)) : 0;
  return {
    rows,
    columns,
    width: Math.round(columns * cellWidth),
    height: rows * cellHeight,
    cellWidth,
    cellHeight,
    gap,
  };
}

/** Left edge of a column, in device pixels. */
export const leftOf = (grid: Pick<RasterGrid, 'cellWidth'>, column: number) => Math.round(column * grid.cellWidth);

/** Top edge of a mixture's row: the top of the model is at the top. */
export const topOf = (grid: RasterGrid, mixture: number) => (grid.rows - 1 - mixture) * grid.cellHeight;

/** The cell at a point in device pixels; null where there is none. */
export function cellAt(grid: RasterGrid, mixtures: readonly Mixture[], x: number, y: number): Spot | null {
  const [expert, row] = [Math.floor(x / grid.cellWidth), Math.floor(y / grid.cellHeight)];
  const mixture = grid.rows - 1 - row;
  const { experts = 0 } = mixtures[mixture] ?? {};
  return expert >= 0 && expert < experts ? { mixture, expert } : null;
}

/** A window of up to `size` numbers around one, within 0 to `count`. */
export function windowOf(at: number, count: number, size = 5): number[] {
  const length = Math.min(size, count);
  const start = Math.max(0, Math.min(at - Math.floor(size / 2), count - length));
  return Array.from({ length }, (_, i) => start + i);
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [1, 0],
  ArrowDown: [-1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [8, 0],
  PageDown: [-8, 0],
};

/** Where a key goes from a cell; null where it is none of ours. It stays where there is nothing further. */
export function stepped(mixtures: readonly Mixture[], { mixture, expert }: Spot, key: string): Spot | null {
  const of = (index: number) => mixtures[index]?.experts ?? 1;
  if (key === 'Home') return { mixture, expert: 0 };
  if (key === 'End') return { mixture, expert: of(mixture) - 1 };
  const step = STEPS[key];
  if (!step) return null;
  const to = Math.max(0, Math.min(mixtures.length - 1, mixture + step[0]));
  return { mixture: to, expert: Math.max(0, Math.min(of(to) - 1, expert + step[1])) };
}

/** Of every how many columns the number is written, so that numbers of so many pixels do not touch. */
export function every(columns: number, cell: number, number: number): number {
  const least = number / cell;
  const steps = [1, 2, 4, 8, 16, 32, 64, 128, 256];
  return steps.find((step) => step >= least) ?? columns;
}
