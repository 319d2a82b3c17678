/**
 * Layers × experts on a canvas, the top of the model at the top. One cell is selected: a ring, the row it is in, and the
 * neighbourhood that is magnified beside it. The ring is the grid's one cell for keyboard and screen reader.
 */
import { cellAt, leftOf, type RasterGrid, rasterGrid, stepped, topOf, windowOf } from '../../layout/experts';
import { addressOf, type Spot } from '../../state/routing';
import { coloursOf, Palette } from '../canvas';
import { pixelOf, viridis } from '../colour';
import { activate } from '../context';
import { h, put } from '../dom';
import { on, take } from '../events';
import { type Box, Pointed, placeAt } from '../pointed';
import type { Experts } from './model';
import { CELL, CellPixels, COLOURS, type Inks } from './pixels';
import { sentenceOf, times, weightOf } from './words';

/** Cells of so many CSS pixels have room for their number. */
const NUMBERED = { w: 36, h: 18 };

const FILLS = Array.from({ length: COLOURS }, (_, i) => viridis(i / (COLOURS - 1)));

const SCALE = Uint32Array.from(FILLS, ({ pixel }) => pixel);

/** Any colour of the style sheet as `#rrggbb`: a canvas writes it so. */
function hexOf(context: CanvasRenderingContext2D, colour: string): string {
  context.fillStyle = '#808080';
  context.fillStyle = colour;
  return typeof context.fillStyle === 'string' && context.fillStyle.startsWith('#') ? context.fillStyle : '#808080';
}

export class Raster {
  readonly element = h('div', { class: 'gb-ex-raster' });
  grid: RasterGrid;
  density = 1;
  #canvas = h('canvas', { 'aria-hidden': 'true' });
  #row = h('i', { class: 'gb-ex-row' });
  #near = h('i', { class: 'gb-ex-near' });
  #cell = h('div', { class: 'gb-ex-cell', role: 'gridcell', tabindex: 0, 'aria-selected': 'true' });
  #line = h('div', { role: 'row' }, this.#cell);
  #pointed: Pointed<Spot>;
  #pixels: CellPixels | null = null;
  #image: ImageData | null = null;
  #inks: Inks | null = null;
  #coloured = '';
  #palette: Palette;

  constructor(private readonly experts: Experts) {
    this.grid = rasterGrid([], 1, 1);
    this.#palette = new Palette(experts.view);
    const grid = h('div', { role: 'grid', 'aria-label': 'Layers × experts' }, this.#line);
    const { signal } = experts.view;
    this.#pointed = new Pointed<Spot>(
      this.element,
      {
        at: (event) => this.#spotAt(event),
        boxOf: ({ mixture, expert }) => this.box([mixture], [expert]),
        nameOf: (spot) => addressOf(experts.mixtures, spot),
        wordsOf: (spot) => sentenceOf(experts, spot).slice(addressOf(experts.mixtures, spot).length + 2),
      },
      { frame: 'gb-ex-hover', tip: 'gb-tooltip gb-ex-tip', does: 'Click: magnify it. x ablates or restores it' },
      signal,
    );
    this.element.append(this.#canvas, this.#row, this.#near, this.#pointed.frame, grid, this.#pointed.tip);
    on(this.element, 'click', (event) => this.#clicked(event), signal);
    on(this.#cell, 'keydown', (event) => this.#keyed(event), signal);
  }

  /** Fit into so many CSS pixels. */
  fit(room: number, density: number): void {
    const { mixtures } = this.experts;
    this.density = density;
    const grid = rasterGrid(mixtures, room, density);
    const same = this.#pixels?.grid.width === grid.width && this.#pixels.grid.height === grid.height;
    if (same && this.#pixels?.grid.columns === grid.columns && this.#pixels.grid.rows === grid.rows) return;
    this.grid = grid;
    this.#pointed.leave();
    Object.assign(this.#canvas, { width: grid.width, height: grid.height });
    const [w, tall] = [grid.width / this.density, grid.height / this.density];
    for (const { style } of [this.#canvas, this.element])
      Object.assign(style, { width: `${w}px`, height: `${tall}px` });
    const context = this.#canvas.getContext('2d');
    this.#image = context?.createImageData(grid.width, grid.height) ?? null;
    this.#pixels = this.#image ? new CellPixels(grid, this.#image.data.buffer) : null;
  }

  paint(): void {
    this.#colours();
    this.#mark();
    this.#pointed.refresh();
    const context = this.#pixels ? this.#canvas.getContext('2d') : null;
    if (!context || !this.#pixels || !this.#image || !this.#inks) return;
    const changed = this.#pixels.write(this.experts.cells, this.#inks);
    if (!changed) return;
    const { cellHeight, width, cellWidth } = this.grid;
    const numbered = cellWidth >= NUMBERED.w * this.density && cellHeight >= NUMBERED.h * this.density;
    const top = topOf(this.grid, changed.to);
    const bottom = topOf(this.grid, changed.from) + cellHeight;
    if (numbered) {
      context.putImageData(this.#image, 0, 0);
      this.#numbers(context);
    } else context.putImageData(this.#image, 0, 0, 0, top, width, bottom - top);
  }

  #colours(): void {
    const colours = coloursOf(this.experts.view.state.value);
    if (this.#inks && this.#coloured === colours) return;
    const context = h('canvas', {}).getContext('2d');
    if (!context) return;
    this.#coloured = colours;
    const { bg, edge, cut: loud } = this.#palette.inks;
    const of = (colour: string) => pixelOf(hexOf(context, colour));
    const [paper, outline, cut] = [of(bg), of(edge), of(loud)];
    this.#inks = { scale: SCALE, paper, outline, cut, cross: pixelOf('#ffffff') };
    this.#pixels?.forget();
  }

  #numbers(context: CanvasRenderingContext2D): void {
    const { experts, grid, density } = this;
    context.font = `${11 * density}px ${this.#palette.inks.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const mixture of experts.mixtures) {
      for (let expert = 0; expert < mixture.experts; expert++) {
        const what = experts.cells[mixture.index * grid.columns + expert] as number;
        if (what < CELL.colour) continue;
        const load = experts.view.state.value.experts === 'load';
        const text = load ? times(experts.now.load(mixture, expert)) : weightOf(experts.now.weight(mixture, expert));
        context.fillStyle = FILLS[what - CELL.colour]?.ink ?? '#000';
        const x = (leftOf(grid, expert) + leftOf(grid, expert + 1) - grid.gap) / 2;
        context.fillText(text, x, topOf(grid, mixture.index) + (grid.cellHeight - grid.gap) / 2);
      }
    }
  }

  /** Edges of some cells, in CSS pixels. */
  box(rows: readonly number[], columns: readonly number[]): Box {
    const { grid, density } = this;
    const [low = 0, high = 0] = [rows[0], rows.at(-1)];
    const [first = 0, last = 0] = [columns[0], columns.at(-1)];
    const [x, y] = [leftOf(grid, first), topOf(grid, high)];
    const [right, bottom] = [leftOf(grid, last + 1) - grid.gap, topOf(grid, low) + grid.cellHeight - grid.gap];
    return [x / density, y / density, (right - x) / density, (bottom - y) / density];
  }

  #mark(): void {
    const { mixtures, spot, columns, mixture } = this.experts;
    placeAt(this.#row, this.box([spot.mixture], [0, mixture.experts - 1]));
    placeAt(this.#cell, this.box([spot.mixture], [spot.expert]));
    placeAt(this.#near, this.box(windowOf(spot.mixture, mixtures.length), windowOf(spot.expert, mixture.experts)));
    const small = mixtures.length <= 5 && columns <= 5;
    this.#near.hidden = small;
    const parent = this.#line.parentElement as HTMLElement;
    put(parent, 'aria-rowcount', String(mixtures.length));
    put(parent, 'aria-colcount', String(columns));
    put(this.#line, 'aria-rowindex', String(mixtures.length - spot.mixture));
    put(this.#cell, 'aria-colindex', String(spot.expert + 1));
    put(this.#cell, 'aria-label', sentenceOf(this.experts, spot));
  }

  #spotAt({ clientX, clientY }: MouseEvent): Spot | null {
    const box = this.#canvas.getBoundingClientRect();
    const scale = this.grid.width / (box.width || 1);
    return cellAt(this.grid, this.experts.mixtures, (clientX - box.left) * scale, (clientY - box.top) * scale);
  }

  /** The expert of the selected layer that is under or over a point on the screen. */
  columnAt(clientX: number): Spot | null {
    const { mixtures, spot } = this.experts;
    const box = this.#canvas.getBoundingClientRect();
    const x = ((clientX - box.left) * this.grid.width) / (box.width || 1);
    return cellAt(this.grid, mixtures, x, topOf(this.grid, spot.mixture));
  }

  #clicked(event: MouseEvent): void {
    const spot = this.#spotAt(event);
    if (!spot) return;
    this.#pointed.leave();
    this.experts.select(spot);
    this.#cell.focus({ preventScroll: true });
  }

  #keyed(event: KeyboardEvent): void {
    const { ctrlKey, metaKey, altKey, shiftKey, key } = event;
    if (ctrlKey || metaKey || altKey || (shiftKey && key !== 'Enter')) return;
    const { experts } = this;
    const acts = key === 'x' || key === ' ' || key === 'Enter';
    const to = stepped(experts.mixtures, experts.spot, key);
    if (!acts && !to) return;
    take(event);
    if (acts) activate(experts.view, experts.address, shiftKey ? 'select' : 'ablate');
    if (!to) return;
    experts.select(to);
    experts.view.announce(sentenceOf(experts, to));
    // The ring moves with the next repaint; where the raster is scrolled, it is brought into view then.
    requestAnimationFrame(() => this.#cell.scrollIntoView?.({ block: 'nearest', inline: 'nearest' }));
  }
}
