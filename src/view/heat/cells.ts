/**
 * The picture of tokens x layers. Cells are pixels of a small canvas, which is drawn large: what a repaint costs hardly
 * depends on how many there are. What has a mark of its own is drawn over it.
 */
import type { Rows } from '../../state/grid';
import type { Theme } from '../../state/local';
import type { Column } from '../../state/moment';
import { beyond, type Limits } from '../../state/scale';
import type { DecodedFrame } from '../../wire/codec';
import { columnNames, type Inks } from '../canvas';
import { magnitude, type Paint, signedColour } from '../colour';

/** The room of the tokens' names, which lean, under the cells. */
export const FOOT = 44;
const ROW = 18;
const TALL = 240;
const GAP = 1.5;
/** A cell narrower than this has no gap beside it. */
const GAPPED = 4;
/** A mark needs this much. */
const MARKED = 6;
/** Longer names are cut. */
const LETTERS = 9;

export interface Grid {
  readonly rows: Rows;
  readonly columns: readonly (Column | null)[];
  /** Names of the columns' tokens. */
  readonly names: readonly string[];
  /** How many columns there is room for; how many rows, of what is shown with the most of them. */
  readonly room: number;
  readonly most: number;
  readonly limits: Limits | null;
  readonly theme: Theme;
  /** The column whose values the diagram shows; the cell that the keyboard is on. */
  readonly shown: number;
  readonly cursor: readonly [row: number, column: number] | null;
}

/** Where cells are, in CSS pixels. */
export interface Places {
  readonly left: number;
  readonly pitch: number;
  readonly row: number;
  readonly width: number;
  readonly height: number;
}

/** As high whatever is shown, so that nothing below moves when something else is. */
export function placesOf({ rows, room, most }: Grid, width: number, left: number): Places {
  const high = most * Math.max(4, Math.min(ROW, TALL / most));
  const row = high / rows.rows.length;
  return { left, pitch: (width - left) / room, row, width, height: high + FOOT };
}

/** The colour of a cell; null where it has an outline: it was not measured, or is exactly unchanged. */
function paintOf({ rows, limits, theme }: Grid, value: number): Paint | null {
  if (Number.isNaN(value)) return null;
  if (rows.of === 'cosine') return signedColour(value, theme);
  return rows.of === 'change' && value === 0 ? null : magnitude(value, limits);
}

export class HeatCells {
  #pixels = document.createElement('canvas');
  #image: ImageData | null = null;
  /** Columns as they were coloured, by frame and position, and what they were coloured by. */
  #known = new WeakMap<DecodedFrame, Stripe[]>();
  #knownOf: unknown[] = [];

  draw(context: CanvasRenderingContext2D, grid: Grid, at: Places, inks: Inks): void {
    const marked = this.#cells(context, grid, at);
    gaps(context, grid, at, inks);
    marks(context, at, inks, marked);
    rowNames(context, grid, at, inks);
    const { left, pitch } = at;
    const top = grid.rows.rows.length * at.row;
    columnNames(context, { names: grid.names, left, pitch, top, at: grid.shown, letters: LETTERS }, inks);
    outlines(context, grid, at, inks);
  }

  /** Colour all cells; returns those that have a mark over it. A column is worked out when it is first seen. */
  #cells(context: CanvasRenderingContext2D, grid: Grid, { left, pitch, row }: Places): Marked[] {
    const [width, height] = [grid.columns.length, grid.rows.rows.length];
    const image = this.#imageOf(width, height);
    if (!image) return [];
    const of = [grid.rows, grid.limits, grid.theme];
    if (of.some((one, i) => one !== this.#knownOf[i])) [this.#known, this.#knownOf] = [new WeakMap(), of];
    const pixels = new Uint32Array(image.data.buffer);
    const marked: Marked[] = [];
    grid.columns.forEach((column, x) => {
      const stripe = this.#stripeOf(grid, column);
      for (let y = 0; y < height; y++) pixels[y * width + x] = stripe.pixels[y] ?? 0;
      for (const mark of stripe.marked) marked.push({ ...mark, x });
    });
    this.#pixels.getContext('2d')?.putImageData(image, 0, 0);
    context.drawImage(this.#pixels, left, 0, width * pitch, height * row);
    return marked;
  }

  #imageOf(width: number, height: number): ImageData | null {
    if (this.#image?.width === width && this.#image.height === height) return this.#image;
    [this.#pixels.width, this.#pixels.height] = [width, height];
    this.#image = this.#pixels.getContext('2d')?.createImageData(width, height) ?? null;
    return this.#image;
  }

  #stripeOf(grid: Grid, column: Column | null): Stripe {
    if (!column) return stripeOf(grid, null);
    const stripes = this.#known.get(column.frame) ?? [];
    const stripe = stripes[column.position] ?? stripeOf(grid, column);
    stripes[column.position] = stripe;
    this.#known.set(column.frame, stripes);
    return stripe;
  }
}

/** A column in colours, from the top. */
interface Stripe {
  readonly pixels: Uint32Array;
  readonly marked: readonly Omit<Marked, 'x'>[];
}

function stripeOf(grid: Grid, column: Column | null): Stripe {
  const { rows, limits } = grid;
  const pixels = new Uint32Array(rows.rows.length);
  const marked: Omit<Marked, 'x'>[] = [];
  for (let y = 0; y < pixels.length; y++) {
    const value = rows.value(y, column);
    const bad = rows.nonfinite(y, column);
    const paint = bad ? null : paintOf(grid, value);
    pixels[y] = paint?.pixel ?? 0;
    const over = rows.scaled ? beyond(value, limits) : 0;
    if (!paint || over !== 0) marked.push({ y, paint, over, bad });
  }
  return { pixels, marked };
}

/** A cell that its colour does not say all of. */
interface Marked {
  readonly x: number;
  readonly y: number;
  readonly paint: Paint | null;
  readonly over: -1 | 0 | 1;
  readonly bad: boolean;
}

/** Room between cells; around signed ones a line, so that zero can be seen. */
function gaps(context: CanvasRenderingContext2D, grid: Grid, at: Places, { edge }: Inks): void {
  const [width, height] = [grid.columns.length * at.pitch, grid.rows.rows.length * at.row];
  const signed = grid.rows.of === 'cosine';
  context.fillStyle = edge;
  const strip = (x: number, y: number, w: number, h: number) =>
    signed ? context.fillRect(x, y, w, h) : context.clearRect(x, y, w, h);
  const thick = signed ? 0.75 : GAP;
  if (at.pitch >= GAPPED)
    for (let x = 1; x <= grid.columns.length; x++) strip(at.left + x * at.pitch - thick, 0, thick, height);
  if (at.row >= GAPPED)
    for (let y = 1; y <= grid.rows.rows.length; y++) strip(at.left, y * at.row - thick, width, thick);
}

/** What has no colour is outlined, what is not finite crossed, what is beyond the scale notched at the top or the bottom. */
function marks(context: CanvasRenderingContext2D, at: Places, inks: Inks, marked: readonly Marked[]): void {
  const [w, h] = [Math.max(1, at.pitch - GAP), at.row - GAP];
  context.lineWidth = 1;
  for (const { x, y, paint, over, bad } of marked) {
    const box: Box = [at.left + x * at.pitch, y * at.row, w, h];
    if (!paint) outline(context, box, inks.line);
    else if (over !== 0 && w >= MARKED) notch(context, box, over, paint.ink);
    if (bad) cross(context, box[0] + w / 2, box[1] + h / 2, inks.cut);
  }
}

type Box = readonly [x: number, y: number, w: number, h: number];

function outline(context: CanvasRenderingContext2D, [x, y, w, h]: Box, colour: string): void {
  context.strokeStyle = colour;
  context.strokeRect(x + 0.5, y + 0.5, Math.max(0.5, w - 1), Math.max(0.5, h - 1));
}

function cross(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.strokeStyle = colour;
  context.beginPath();
  for (const down of [-3, 3]) {
    context.moveTo(x - 3, y - down);
    context.lineTo(x + 3, y + down);
  }
  context.stroke();
}

/** A corner cut off: above the scale the upper one, below it the lower one. */
function notch(context: CanvasRenderingContext2D, [x, y, w, h]: Box, over: -1 | 1, colour: string): void {
  const size = Math.min(5, h / 2, w / 2);
  const [right, corner] = [x + w, over > 0 ? y : y + h];
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(right - size, corner);
  context.lineTo(right, corner);
  context.lineTo(right, corner + over * size);
  context.fill();
}

function rowNames(context: CanvasRenderingContext2D, { rows }: Grid, { left, row }: Places, inks: Inks): void {
  context.font = `11px ${inks.font}`;
  context.fillStyle = inks.ink2;
  context.textAlign = 'left';
  const every = Math.ceil(13 / row);
  rows.rows.forEach(({ name }, y) => {
    if ((rows.rows.length - 1 - y) % every === 0) context.fillText(name, 0, y * row + row / 2 + 4, left - 4);
  });
}

/** Around the column that the diagram shows, and the cell that the keyboard is on. */
function outlines(context: CanvasRenderingContext2D, grid: Grid, at: Places, { accent, ink }: Inks): void {
  context.lineWidth = 2;
  if (grid.shown >= 0 && grid.shown < grid.columns.length && grid.columns.length > 1) {
    context.strokeStyle = accent;
    // Around the column: a narrow one would be covered.
    const [x, w] = [at.left + grid.shown * at.pitch, Math.max(3, at.pitch - GAP)];
    context.strokeRect(x - 1, 1, w + 2, grid.rows.rows.length * at.row - GAP - 1);
  }
  if (!grid.cursor) return;
  const [row, column] = grid.cursor;
  context.strokeStyle = ink;
  context.strokeRect(at.left + column * at.pitch, row * at.row, Math.max(3, at.pitch - GAP), at.row - GAP);
}
