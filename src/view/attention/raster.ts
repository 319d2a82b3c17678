/** What a mixer does at each token: heads by tokens, the norm of its state, how much it keeps and how much it writes. */
import { measured } from '../../layout/format';
import type { Column } from '../../state/moment';
import { robustLimits } from '../../state/scale';
import { columnNames, Palette, sized } from '../canvas';
import type { View } from '../context';
import { h, put, setText, show } from '../dom';
import { isChord, on, take } from '../events';
import { pointIn } from '../magnify';
import type { Wide } from '../resized';
import { Segments } from '../segments';
import { pictureOf } from './cells';
import { logScale, type Scale, UNIT } from './palette';
import { placeWords } from './words';

const LABEL = 30;
const FOOT = 46;
const MOST_CELL = 24;

/** What there is of a mixer, by the tap that it is read from. */
export const RASTERS = [
  { tap: 'state', words: 'state', about: 'norm of the state, log' },
  { tap: 'log_decay', words: 'kept', about: 'share of the state that a token keeps' },
  { tap: 'beta', words: 'written', about: 'how strongly a token is written' },
] as const;
export type RasterTap = (typeof RASTERS)[number]['tap'];

export interface Given {
  readonly block: string;
  readonly columns: readonly (Column | null)[];
  readonly tokens: readonly (string | null)[];
  readonly start: number;
}

interface Cells {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

/** The numbers of a tap, heads by tokens, from the frames that have them; null where none has. */
export function cellsOf(given: Given, tap: RasterTap): Cells | null {
  const name = `${given.block}.${tap}`;
  const found = given.columns.map((column, i) => {
    const numbers = column?.frame.inside.get(name);
    if (!numbers || !column) return null;
    const width = numbers.of.shape[1];
    // A state is that after the pass's last token; the others have a column for each token.
    const last = column.frame.header.first + column.frame.header.positions - 1;
    const index = tap === 'state' ? (given.start + i === last ? 0 : -1) : given.start + i - numbers.of.first;
    return index < 0 || index >= width ? null : { values: numbers.values, index, width, heads: numbers.of.shape[0] };
  });
  const any = found.find((one) => one !== null);
  if (!any) return null;
  return {
    rows: any.heads,
    columns: found.length,
    at(row, column) {
      const of = found[column];
      return of ? (of.values[row * of.width + of.index] ?? Number.NaN) : Number.NaN;
    },
  };
}

export class Raster {
  readonly element = h('div', { class: 'gb-raster' });
  #seg: Segments<RasterTap>;
  #canvas = h('canvas', { role: 'img', tabindex: 0 });
  #low = h('span');
  #high = h('span');
  #bar = h('i', { class: 'gb-gradient' });
  #about = h('span');
  #says = h('p', { class: 'gb-pattern-says', role: 'status' });
  #tap: RasterTap | null = null;
  #given: Given | null = null;
  #cells: Cells | null = null;
  #at: readonly [number, number] | null = null;
  #room: Wide = { width: 0, density: 1 };
  /** The size of a cell. */
  #each = { w: 1, h: 1 };
  #palette: Palette;

  constructor(view: View) {
    const { signal } = view;
    this.#palette = new Palette(view);
    const segments = RASTERS.map(({ tap, words, about }) => ({ name: tap, words, title: about }));
    this.#seg = new Segments('What the cells show', segments, signal, (tap) => this.#choose(tap));
    const legend = h('div', { class: 'gb-heat-legend gb-sub' }, this.#low, this.#bar, this.#high, this.#about);
    this.element.append(this.#seg.element, this.#says, this.#canvas, legend);
    on(this.#canvas, 'pointermove', (event) => this.#hover(event), signal);
    on(this.#canvas, 'keydown', (event) => this.#key(event), signal);
  }

  /** Returns whether there is anything to show. */
  paint(given: Given, room: Wide): boolean {
    [this.#given, this.#room] = [given, room];
    const there = RASTERS.filter(({ tap }) => cellsOf(given, tap) !== null);
    show(this.element, there.length > 0);
    const best = there.find(({ tap }) => tap === this.#tap) ?? mostTold(given, there);
    for (const { tap } of RASTERS)
      show(
        this.#seg.of(tap),
        there.some((one) => one.tap === tap),
      );
    this.#seg.press(best?.tap);
    if (!best) return false;
    this.#cells = cellsOf(given, best.tap);
    this.#draw(best);
    return true;
  }

  #choose(tap: RasterTap): void {
    this.#tap = tap;
    if (this.#given) this.paint(this.#given, this.#room);
  }

  #scale(tap: RasterTap, cells: Cells): Scale {
    if (tap !== 'state') return UNIT;
    const all = Array.from({ length: cells.rows * cells.columns }, (_, i) =>
      cells.at(Math.floor(i / cells.columns), i % cells.columns),
    );
    const limits = robustLimits(all) ?? { low: 0.1, high: 1 };
    return logScale(limits.low, limits.high);
  }

  #draw({ tap, about }: (typeof RASTERS)[number]): void {
    const [cells, given] = [this.#cells, this.#given];
    if (!cells || !given) return;
    const scale = this.#scale(tap, cells);
    this.#bar.style.background = scale.gradient;
    setText(this.#low, measured(scale.low, 2));
    setText(this.#high, measured(scale.high, 2));
    const last = tap === 'state' ? '; a pass tells the state after its last token alone' : '';
    setText(this.#about, `${about}${last}`);
    put(this.#canvas, 'aria-label', `${about}: ${cells.rows} heads, ${cells.columns} tokens. Arrow keys read a value.`);
    this.#say();
    const each = Math.min(MOST_CELL, (this.#room.width - LABEL) / cells.columns);
    const tall = Math.max(2, Math.min(MOST_CELL, 240 / cells.rows));
    this.#each = { w: each, h: tall };
    const [wide, high] = [LABEL + each * cells.columns + 1, tall * cells.rows + FOOT];
    const context = sized(this.#canvas, wide, high, this.#room.density);
    if (!context) return;
    const { inks } = this.#palette;
    const picture = pictureOf(cells, scale, 2048);
    if (picture) context.drawImage(picture, LABEL, 0, each * cells.columns, tall * cells.rows);
    context.strokeStyle = inks.line;
    context.strokeRect(LABEL - 0.5, 0.5, each * cells.columns + 1, tall * cells.rows);
    context.font = `11px ${inks.font}`;
    context.fillStyle = inks.ink2;
    const every = Math.ceil(13 / tall);
    for (let row = 0; row < cells.rows; row += every)
      context.fillText(`H${row}`, 0, row * tall + tall / 2 + 4, LABEL - 4);
    const names = Array.from({ length: cells.columns }, (_, column) => placeWords(this.#place(column)));
    const foot = { left: LABEL, pitch: each, top: tall * cells.rows, at: cells.columns - 1, letters: 9 };
    columnNames(context, { names, ...foot }, inks);
  }

  #place(column: number) {
    const position = (this.#given?.start ?? 0) + column;
    return { position, token: this.#given?.tokens[position] ?? null };
  }

  #say(): void {
    const cells = this.#cells;
    if (!cells) return;
    const [row, column] = this.#at ?? [0, cells.columns - 1];
    const value = cells.at(Math.min(row, cells.rows - 1), Math.min(column, cells.columns - 1));
    const words = Number.isNaN(value) ? 'not known' : measured(value);
    setText(this.#says, `H${row} at ${placeWords(this.#place(column))}: ${words}`);
  }

  #hover(event: PointerEvent): void {
    const cells = this.#cells;
    if (!cells) return;
    const { x, y } = pointIn(this.#canvas, event);
    const column = Math.floor((x - LABEL) / this.#each.w);
    const row = Math.floor(y / this.#each.h);
    if (row < 0 || column < 0 || row >= cells.rows || column >= cells.columns) return;
    this.#at = [row, column];
    this.#say();
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cells = this.#cells;
    if (!step || !cells || isChord(event)) return;
    take(event);
    const [row, column] = this.#at ?? [0, cells.columns - 1];
    const inside = (at: number, count: number) => Math.max(0, Math.min(count - 1, at));
    this.#at = [inside(row + (step[0] ?? 0), cells.rows), inside(column + (step[1] ?? 0), cells.columns)];
    this.#say();
  }
}

type Offer = (typeof RASTERS)[number];

/** What is known at most tokens: of a pass of many tokens a state is known after the last one alone. */
function mostTold(given: Given, there: readonly Offer[]): Offer | undefined {
  const known = ({ tap }: Offer) => {
    const cells = cellsOf(given, tap);
    return cells ? given.columns.filter((_, column) => !Number.isNaN(cells.at(0, column))).length : 0;
  };
  return [...there].sort((a, b) => known(b) - known(a))[0];
}
