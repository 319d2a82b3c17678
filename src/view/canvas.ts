/** What every picture of many cells needs: a canvas as sharp as the screen, the style sheet's colours, names of its columns. */
import type { ViewState } from '../state/local';
import type { View } from './context';
import { densityOf } from './magnify';

type Context = CanvasRenderingContext2D;

/** Make a canvas so large, in device pixels, empty it, and return what draws in these; null where nothing can. */
export function sizedInPixels(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  density: number,
): Context | null {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  Object.assign(canvas.style, { width: `${width / density}px`, height: `${height / density}px` });
  const context = canvas.getContext('2d');
  context?.setTransform(1, 0, 0, 1, 0, 0);
  context?.clearRect(0, 0, width, height);
  return context;
}

/** The same in the layout's pixels, as sharp as the screen. */
export function sized(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  density = densityOf(canvas),
): Context | null {
  const context = sizedInPixels(canvas, Math.round(width * density), Math.round(height * density), density);
  if (!context) return null;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.imageSmoothingEnabled = false;
  return context;
}

const NAMES = ['ink', 'ink2', 'edge', 'line', 'cut', 'moe', 's1', 'bg', 'accent', 'spine'] as const;

/** Colours of the style sheet by its own names, and its font. */
export type Inks = Readonly<Record<(typeof NAMES)[number] | 'font', string>>;

/** What the style sheet's colours follow from: with another of these they may be others. */
export const coloursOf = ({ theme, ground, projector }: ViewState): string => `${theme} ${ground} ${projector}`;

/** Takes colours from the style sheet, once as long as they stay: to ask for them in a repaint would force a layout. */
export class Palette {
  #of = '';
  #inks: Inks | null = null;

  constructor(private readonly view: Pick<View, 'root' | 'state'>) {}

  get inks(): Inks {
    const { root, state } = this.view;
    const of = coloursOf(state.value);
    // A view that is not on a page yet has no colours.
    if (this.#inks?.ink && this.#of === of) return this.#inks;
    this.#of = of;
    const css = getComputedStyle(root);
    const named = NAMES.map((name) => [name, css.getPropertyValue(`--gb-${name}`).trim()]);
    this.#inks = { ...(Object.fromEntries(named) as Omit<Inks, 'font'>), font: css.fontFamily };
    return this.#inks;
  }
}

/** A name needs this much room beside the next. */
const NAMED = 16;
const TURN = -0.66;

export interface Names {
  readonly names: readonly string[];
  /** Where the first column begins, how wide each is, and where the last row ends. */
  readonly left: number;
  readonly pitch: number;
  readonly top: number;
  /** The column that is named in any case. */
  readonly at: number;
  /** Longer names are cut. */
  readonly letters: number;
}

/** Names lean under their columns, as many as there is room for. */
export function columnNames(context: Context, of: Names, inks: Inks): void {
  const { names, left, pitch, top, at, letters } = of;
  const skip = Math.ceil(NAMED / pitch);
  context.textAlign = 'right';
  names.forEach((name, x) => {
    if (x !== at && (x % skip !== 0 || Math.abs(x - at) < skip)) return;
    context.save();
    context.translate(left + x * pitch + pitch / 2 + 4, top + 11);
    context.rotate(TURN);
    context.fillStyle = x === at ? inks.ink : inks.ink2;
    context.font = `${x === at ? '600 ' : ''}11px ${inks.font}`;
    context.fillText(name.length > letters ? `${name.slice(0, letters - 1)}…` : name, 0, 0);
    context.restore();
  });
  context.textAlign = 'left';
}
