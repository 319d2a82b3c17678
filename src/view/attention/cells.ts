/** Many cells as one picture: a pixel for each, or where there are more cells than pixels, the largest of those it covers. */
import type { Scale } from './palette';

/** A grid of numbers; NaN is not drawn. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

/** The number of largest size among the cells that a pixel covers. */
function largest(grid: Grid, rows: readonly [number, number], columns: readonly [number, number]): number {
  let best = Number.NaN;
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const value = grid.at(row, column);
      if (!Number.isNaN(value) && !(Math.abs(value) <= Math.abs(best))) best = value;
    }
  }
  return best;
}

/** Draw the cells as an image of at most so many pixels; null where there is no canvas to draw on. */
export function pictureOf(grid: Grid, scale: Scale, most: number): HTMLCanvasElement | null {
  const [width, height] = [Math.min(grid.columns, most), Math.min(grid.rows, most)];
  if (width < 1 || height < 1) return null;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  if (!context) return null;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const from = (at: number, pixels: number, cells: number) => Math.floor((at * cells) / pixels);
  for (let y = 0; y < height; y++) {
    const rows = [from(y, height, grid.rows), from(y + 1, height, grid.rows)] as const;
    for (let x = 0; x < width; x++) {
      const value = largest(grid, rows, [from(x, width, grid.columns), from(x + 1, width, grid.columns)]);
      if (!Number.isNaN(value)) pixels[y * width + x] = scale.colour(value).pixel;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
