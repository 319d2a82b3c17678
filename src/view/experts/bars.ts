/** The selected layer: the share of the tokens that each expert gets, under the raster's columns, with the even share. */
import { leftOf, type RasterGrid } from '../../layout/experts';
import type { Mixture } from '../../state/routing';
import { Palette, sizedInPixels } from '../canvas';
import { viridis } from '../colour';
import { h } from '../dom';
import { type Experts, LOAD_ENDS } from './model';
import { shareOf } from './words';

/** CSS pixels. */
const TALL = 88;
/** The tallest bar ends under the top. */
const HEAD = 6;
/** Under the selected one. */
const MARK = 4;

const nice = (share: number) => [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1].find((step) => step >= share) ?? 1;

/** The share at the top of the scale: it grows with the sequence, and does not shrink until another begins. */
function topShare({ now, clean }: Experts, mixture: Mixture): number {
  let most = 0;
  for (let expert = 0; expert < mixture.experts; expert++) {
    most = Math.max(most, now.share(mixture, expert) || 0, clean?.share(mixture, expert) || 0);
  }
  return nice(most);
}

/** Where the bars are: the raster's columns, or columns of their own. */
export interface BarRoom {
  readonly grid: Pick<RasterGrid, 'cellWidth' | 'gap' | 'width'>;
  readonly density: number;
  readonly tall: number;
  /** Whether the selected one is marked, where nothing else does. */
  readonly marked?: boolean;
}

export class Bars {
  readonly element = h('div', { class: 'gb-ex-bars' });
  /** Where the even share and the top of the scale are, for what writes beside them. */
  marks = { top: 0, even: Number.NaN, topY: 0, evenY: 0 };
  #canvas = h('canvas', { role: 'img' });
  #palette: Palette;

  constructor(private readonly experts: Experts) {
    this.#palette = new Palette(experts.view);
    this.element.append(this.#canvas);
  }

  static readonly tall = TALL;

  paint({ grid, density, tall, marked }: BarRoom): void {
    const { experts } = this;
    const { mixture, now } = experts;
    const context = sizedInPixels(this.#canvas, grid.width, Math.round(tall * density), density);
    if (!context) return;
    const height = (tall - (marked ? MARK : 0)) * density;
    const top = topShare(experts, mixture);
    const y = (share: number) => Math.round(height - (share / top) * (height - HEAD * density));
    const even = now.even(mixture);
    this.marks = { top, even, topY: y(top) / density, evenY: y(even) / density };
    this.#canvas.setAttribute('aria-label', this.#words());
    this.#line(context, y(top), grid.width, [], density);
    for (let expert = 0; expert < mixture.experts; expert++) this.#bar(context, expert, { grid, density, y, height });
    if (marked) {
      context.fillStyle = this.#palette.inks.accent;
      const left = leftOf(grid, experts.spot.expert);
      context.fillRect(left, height + density, Math.max(2 * density, grid.cellWidth - grid.gap), (MARK - 1) * density);
    }
    if (!Number.isNaN(even)) this.#line(context, y(even), grid.width, [3 * density, 3 * density], density);
  }

  #words(): string {
    const { now, mixture } = this.experts;
    const busiest = now.busiest(mixture);
    if (busiest < 0) return `${mixture.address}: no token was measured`;
    const most = shareOf(now.share(mixture, busiest));
    return `${mixture.address}: share of the tokens that each expert gets; E${busiest} gets most, ${most}; even share ${shareOf(now.even(mixture))}`;
  }

  #bar(
    context: CanvasRenderingContext2D,
    expert: number,
    of: Omit<BarRoom, 'tall'> & { y: (share: number) => number; height: number },
  ): void {
    const { experts } = this;
    const { mixture, now, clean } = experts;
    const { grid, density, y, height } = of;
    const share = now.share(mixture, expert);
    if (Number.isNaN(share)) return;
    const left = leftOf(grid, expert);
    const width = Math.max(1, leftOf(grid, expert + 1) - grid.gap - left);
    const top = share > 0 ? Math.min(y(share), height - density) : height;
    const cut = experts.isCut(mixture, expert);
    const load = Math.log2(now.load(mixture, expert));
    context.fillStyle = viridis((load + LOAD_ENDS) / (2 * LOAD_ENDS)).fill;
    if (!cut) context.fillRect(left, top, width, height - top);
    else this.#hatched(context, [left, top, width, height - top], density);
    const gain = experts.gained(mixture, expert);
    if (!clean || !(Math.abs(gain) > 0)) return;
    const before = y(clean.share(mixture, expert));
    context.strokeStyle = this.#palette.inks.cut;
    context.lineWidth = 1.5 * density;
    context.setLineDash(gain > 0 ? [] : [2 * density, 2 * density]);
    const [upper, lower] = [Math.min(before, top), Math.max(before, top)];
    const [inset, least] = [0.75 * density, 3 * density];
    context.strokeRect(left + inset, upper, Math.max(least, width - 2 * inset), Math.max(least, lower - upper));
    context.setLineDash([]);
  }

  #hatched(context: CanvasRenderingContext2D, box: [number, number, number, number], density: number): void {
    const [left, top, width, height] = box;
    context.save();
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    context.strokeStyle = this.#palette.inks.cut;
    context.lineWidth = 1.4 * density;
    context.beginPath();
    for (let at = -height; at < width + height; at += 5 * density) {
      context.moveTo(left + at, top + height);
      context.lineTo(left + at + height, top);
    }
    context.stroke();
    context.strokeRect(left, top, width, height);
    context.restore();
  }

  #line(context: CanvasRenderingContext2D, y: number, width: number, dash: number[], density: number): void {
    const { line, ink } = this.#palette.inks;
    context.strokeStyle = dash.length > 0 ? ink : line;
    context.lineWidth = density;
    context.setLineDash(dash);
    context.beginPath();
    context.moveTo(0, y + 0.5 * density);
    context.lineTo(width, y + 0.5 * density);
    context.stroke();
    context.setLineDash([]);
  }
}
