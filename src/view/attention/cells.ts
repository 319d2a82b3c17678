/** Many cells as one picture: a pixel for each, or where there are more cells than pixels, the largest of those it covers. */
import type { Scale } from './palette';

/** A grid of numbers; NaN is not drawn. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

/** What can be drawn on a canvas, and how large it is in its own pixels. */
export type Picture = HTMLCanvasElement;

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
export function pictureOf(grid: Grid, scale: Scale, most: number): Picture | null {
  const [width, height] = [Math.min(grid.columns, most), Math.min(grid.rows, most)];
  if (width < 1 || height < 1) return null;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  if (!context) return null;
  const image = context.createImageData(width, height);
  const from = (at: number, pixels: number, cells: number) => Math.floor((at * cells) / pixels);
  for (let y = 0; y < height; y++) {
    const rows = [from(y, height, grid.rows), from(y + 1, height, grid.rows)] as const;
    for (let x = 0; x < width; x++) {
      const value = largest(grid, rows, [from(x, width, grid.columns), from(x + 1, width, grid.columns)]);
      if (Number.isNaN(value)) continue;
      const [r, g, b] = scale.colour(value);
      image.data.set([r, g, b, 255], 4 * (y * width + x));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Give a canvas a size in CSS pixels, and return what draws in these; null where nothing can be drawn. */
export function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const density = globalThis.devicePixelRatio || 1;
  const [w, tall] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== tall) canvas.height = tall;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (!context) return null;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  return context;
}
