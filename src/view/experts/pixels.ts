/** The cells of a raster as pixels. Only cells that changed are written; nothing is allocated. */
import { leftOf, type RasterGrid, topOf } from '../../layout/experts';

/** What a cell shows. From `COLOUR` on: that colour of the scale. */
export const CELL = { none: 0, unmeasured: 1, noToken: 2, ablated: 3, colour: 4 } as const;
export const COLOURS = 256;

/** Colours as the pixels of an image have them. */
export interface Inks {
  readonly scale: Uint32Array;
  readonly paper: number;
  readonly outline: number;
  readonly cut: number;
  readonly cross: number;
}

/** The ink of a cell, or of its outline. */
function inkOf(what: number, inks: Inks): number {
  if (what >= CELL.colour) return inks.scale[what - CELL.colour] as number;
  if (what === CELL.noToken) return inks.scale[0] as number;
  if (what === CELL.none) return inks.paper;
  return what === CELL.ablated ? inks.cut : inks.outline;
}

/** Pixels of a hatch from line to line. */
const PITCH = 6;

export class CellPixels {
  readonly pixels: Uint32Array;
  #shown: Uint16Array;
  #all = true;

  constructor(
    readonly grid: RasterGrid,
    buffer: ArrayBufferLike,
  ) {
    this.pixels = new Uint32Array(buffer);
    this.#shown = new Uint16Array(grid.rows * grid.columns);
  }

  /** The colours have changed: all cells are to be written. */
  forget(): void {
    this.#all = true;
  }

  /** Write cells, by row from the bottom and column. Returns the rows between which something changed; null: nothing. */
  write(cells: Uint16Array, inks: Inks): { from: number; to: number } | null {
    const { rows, columns } = this.grid;
    if (this.#all) this.pixels.fill(inks.paper);
    let [from, to] = [rows, -1];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = row * columns + column;
        const what = cells[at] as number;
        if (!this.#all && what === this.#shown[at]) continue;
        this.#shown[at] = what;
        this.#cell(row, column, what, inks);
        if (row < from) from = row;
        to = row;
      }
    }
    this.#all = false;
    return to < 0 ? null : { from, to };
  }

  #cell(row: number, column: number, what: number, inks: Inks): void {
    const { grid } = this;
    const [left, top] = [leftOf(grid, column), topOf(grid, row)];
    const right = Math.max(left + 1, leftOf(grid, column + 1) - grid.gap);
    const bottom = top + grid.cellHeight - grid.gap;
    // Where there is no room for an outline, the whole raster has one.
    const bare = what === CELL.unmeasured && grid.gap === 0;
    this.#fill(left, top, right, bottom, bare ? inks.paper : inkOf(what, inks));
    if (what === CELL.noToken) this.#cross(left, top, right, bottom, inks.cross);
    if ((what !== CELL.ablated && what !== CELL.unmeasured) || grid.gap === 0) return;
    this.#fill(left + grid.gap, top + grid.gap, right - grid.gap, bottom - grid.gap, inks.paper);
    if (what === CELL.ablated) this.#hatch(left, top, right, bottom, inks.cut);
  }

  #fill(left: number, top: number, right: number, bottom: number, ink: number): void {
    const { width } = this.grid;
    for (let y = top; y < bottom; y++) this.pixels.fill(ink, y * width + left, y * width + right);
  }

  /** Two diagonals in the middle; a dot where there is no room for them. */
  #cross(left: number, top: number, right: number, bottom: number, ink: number): void {
    const { width, gap } = this.grid;
    const room = Math.min(right - left, bottom - top);
    if (gap === 0 || room < 3) return;
    const size = Math.min(room - 2, 5 * gap) | 1;
    const [x, y] = [Math.floor((left + right - size) / 2), Math.floor((top + bottom - size) / 2)];
    for (let i = 0; i < size; i++) {
      for (let thick = 0; thick < gap; thick++) {
        const step = Math.min(size - 1, i + thick);
        this.pixels[(y + i) * width + x + step] = ink;
        this.pixels[(y + i) * width + x + size - 1 - step] = ink;
      }
    }
  }

  #hatch(left: number, top: number, right: number, bottom: number, ink: number): void {
    const { width, gap } = this.grid;
    const pitch = PITCH * gap;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) if ((x + y) % pitch < 2 * gap) this.pixels[y * width + x] = ink;
    }
  }
}
