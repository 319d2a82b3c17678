/**
 * Tokens × experts of the selected layer, under the raster's columns: a dot where a token was sent, its area the weight.
 * Only the rows that are seen are drawn; the newest are kept in view until somebody scrolls up.
 */
import { leftOf, type RasterGrid } from '../../layout/experts';
import { fixed, weightText } from '../../layout/format';
import { weightAt } from '../../state/routing';
import { visible } from '../candidates';
import { Palette, sizedInPixels } from '../canvas';
import { h, put, setText } from '../dom';
import { on } from '../events';
import { pointIn } from '../magnify';
import type { Experts } from './model';

const ROW = 16;
const MOST_ROWS = 12;

export class Dots {
  readonly element = h('div', { class: 'gb-ex-dots-box', tabindex: 0, role: 'group' });
  #names = h('div', { class: 'gb-ex-names gb-mono', role: 'list' });
  #canvas = h('canvas', { 'aria-hidden': 'true' });
  #view = h('div', { class: 'gb-ex-dots-view' }, this.#names, this.#canvas);
  #room = h('div', { class: 'gb-ex-dots-room' }, this.#view);
  #palette: Palette;
  #grid: RasterGrid | null = null;
  #density = 1;
  #ended = true;
  #count = -1;
  #drawn = '';
  #first = 0;
  /** The row that the pointer is on. */
  #over: number | null = null;
  /** What the pointer is on, in words. */
  readonly told = h('span', { class: 'gb-sub', 'data-testid': 'experts-token' });

  constructor(private readonly experts: Experts) {
    this.#palette = new Palette(experts.view);
    this.element.append(this.#room);
    const scrolled = () => {
      const { scrollTop, clientHeight, scrollHeight } = this.element;
      this.#ended = scrollTop + clientHeight >= scrollHeight - 2;
      this.#draw();
    };
    const { signal } = experts.view;
    on(this.element, 'scroll', scrolled, signal);
    on(this.element, 'pointermove', (event) => this.#hover(event), signal);
    on(this.element, 'pointerleave', () => this.#hover(null), signal);
  }

  paint(grid: RasterGrid, density: number): void {
    const { tokens, mixture } = this.experts;
    [this.#grid, this.#density] = [grid, density];
    const rows = Math.min(MOST_ROWS, tokens.length);
    if (tokens.length !== this.#count) {
      this.#count = tokens.length;
      this.#room.style.height = `${tokens.length * ROW}px`;
      this.element.style.height = `${MOST_ROWS * ROW}px`;
      this.#view.style.height = `${rows * ROW}px`;
      if (this.#ended) this.element.scrollTop = tokens.length * ROW;
    }
    put(this.element, 'aria-label', `${mixture.address}: which of ${mixture.experts} experts each token goes to`);
    this.#draw();
  }

  #draw(): void {
    const { experts } = this;
    const grid = this.#grid;
    if (!grid) return;
    const rows = Math.min(MOST_ROWS, experts.tokens.length);
    const first = Math.max(0, Math.min(experts.tokens.length - rows, Math.round(this.element.scrollTop / ROW)));
    const key = [experts.version, first, grid.width, ROW, experts.tokens.length].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#write(first, rows);
    const density = this.#density;
    const context = sizedInPixels(this.#canvas, grid.width, Math.round(rows * ROW * density), density);
    if (!context) return;
    for (let i = 0; i < rows; i++) this.#line(context, grid, first + i, i);
  }

  #write(first: number, rows: number): void {
    const { children } = this.#names;
    while (children.length < rows) this.#names.append(h('span', { role: 'listitem' }));
    while (children.length > rows) this.#names.lastChild?.remove();
    for (let i = 0; i < rows; i++) {
      const span = children[i] as HTMLElement;
      const token = this.experts.tokens[first + i];
      setText(span, visible(token?.text ?? ''));
      put(span, 'aria-label', this.#sentence(first + i));
      put(span, 'title', this.#sentence(first + i));
    }
    this.#first = first;
    setText(this.told, this.#over === null ? this.#usual : this.#sentence(first + this.#over));
  }

  /** What the dots are; of many tokens, also which of them are in sight. */
  get #usual(): string {
    const { length } = this.experts.tokens;
    const which =
      length > MOST_ROWS ? `${this.#first + 1} to ${this.#first + MOST_ROWS} of ${length}` : 'who goes where';
    return `${which}: a dot’s area is the routing weight`;
  }

  /** Which experts a token goes to, the heaviest first. */
  #sentence(at: number): string {
    const { tokens, mixture, stats, column } = this.experts;
    const token = tokens[at];
    if (!token) return this.#usual;
    const chosen: { expert: number; weight: number }[] = [];
    for (let expert = 0; expert < mixture.experts; expert++) {
      const weight = weightAt(token, mixture.row + expert, stats, column);
      if (weight > 0) chosen.push({ expert, weight });
    }
    chosen.sort((a, b) => b.weight - a.weight);
    const words = chosen.map(({ expert, weight }) => `E${expert} ${weightText(weight)}`).join(', ');
    return `${visible(token.text)}, token ${fixed(token.at)}: ${words === '' ? 'not measured' : words}`;
  }

  #hover(event: PointerEvent | null): void {
    const row = event ? Math.floor(pointIn(this.#canvas, event).y / ROW) : -1;
    const over = row >= 0 && row < this.#names.childElementCount ? row : null;
    if (over === this.#over) return;
    this.#over = over;
    setText(this.told, over === null ? this.#usual : this.#sentence(this.#first + over));
  }

  #line(context: CanvasRenderingContext2D, grid: RasterGrid, at: number, row: number): void {
    const { experts } = this;
    const token = experts.tokens[at];
    const { mixture, stats, column, spot } = experts;
    if (!token) return;
    const density = this.#density;
    const [height, y] = [ROW * density, (row + 0.5) * ROW * density];
    const { moe, s1 } = this.#palette.inks;
    if (at % 2 === 0) {
      context.fillStyle = s1;
      context.fillRect(0, row * height, grid.width, height);
    }
    context.fillStyle = moe;
    // The top of the scale of weights fills the row.
    const most = 0.46 * height;
    for (let expert = 0; expert < mixture.experts; expert++) {
      const weight = weightAt(token, mixture.row + expert, stats, column);
      if (!(weight > 0)) continue;
      context.globalAlpha = expert === spot.expert ? 1 : 0.72;
      context.beginPath();
      const x = (leftOf(grid, expert) + leftOf(grid, expert + 1) - grid.gap) / 2;
      context.arc(x, y, Math.max(0.8 * density, most * Math.sqrt(Math.min(1, weight / experts.high))), 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }
}
