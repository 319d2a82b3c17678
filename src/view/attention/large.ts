/** One large pattern: tokens on both axes, a crosshair that says what it is on, and a table that says the same in words. */
import { type Pattern, type Place, strongest } from '../../state/pattern';
import { columnNames, type Inks, Palette, sized } from '../canvas';
import type { View } from '../context';
import { h, setText, show } from '../dom';
import { isChord, on, take } from '../events';
import { pointIn } from '../magnify';
import type { Wide } from '../resized';
import { pictureOf } from './cells';
import type { Scale } from './palette';
import { cellWords, placeInFull, placeWords, weightWords } from './words';

export interface Shown {
  /** Names the head: `L2.attn.H1`. */
  readonly name: string;
  readonly head: number;
  readonly shown: Pattern;
  readonly now: Pattern;
  readonly clean: Pattern | null;
  readonly differs: boolean;
  readonly scale: Scale;
  readonly room: Wide;
}

interface Box {
  readonly left: number;
  readonly each: number;
  readonly tall: number;
  readonly height: number;
}

const FOOT = 54;
const MOST_LEFT = 78;
/** Below this a cell has no room for its token's name. */
const NAMED = 12;
const MOST_CELL = 30;
const LEAST_ROW = 2;
const FONT = 11;
/** Longer names are cut. */
const LETTERS = 11;

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

export class Large {
  readonly element = h('div', { class: 'gb-pattern-large' });
  #canvas = h('canvas', { 'aria-hidden': 'true' });
  #stage = h('div', { class: 'gb-pattern-stage', tabindex: 0, role: 'group' }, this.#canvas);
  #where = h('span', { class: 'gb-mono' });
  #value = h('b', { 'data-testid': 'pattern-value' });
  #output = h(
    'p',
    { class: 'gb-pattern-says', role: 'status', 'data-testid': 'pattern-says' },
    this.#where,
    this.#value,
  );
  #body = h('tbody');
  #table = h(
    'details',
    { class: 'gb-pattern-table' },
    h('summary', {}, 'As a table: what each token looks at most'),
    h(
      'table',
      { class: 'gb-plain-table' },
      h(
        'thead',
        {},
        h('tr', {}, ...['query', 'strongest key', 'weight'].map((word) => h('th', { scope: 'col' }, word))),
      ),
      this.#body,
    ),
  );
  #palette: Palette;
  #shown: Shown | null = null;
  #box: Box | null = null;
  #picture: HTMLCanvasElement | null = null;
  /** Row and column; null: the strongest key of the last query. */
  #at: readonly [number, number] | null = null;

  constructor(private readonly view: View) {
    const { signal } = view;
    this.#palette = new Palette(view);
    this.element.append(this.#output, this.#stage, this.#table);
    on(this.#canvas, 'pointermove', (event) => this.#hover(event), signal);
    on(this.#stage, 'keydown', (event) => this.#key(event), signal);
    on(this.#table, 'toggle', () => this.#tabulate(), signal);
  }

  focus(): void {
    this.#stage.focus({ preventScroll: true });
  }

  /** Show a pattern. The crosshair stays where it is as long as the same head of the same text is shown. */
  paint(shown: Shown): void {
    if (this.#shown?.name !== shown.name) this.#at = null;
    this.#shown = shown;
    const { queries, keys } = shown.shown;
    this.#stage.setAttribute(
      'aria-label',
      `Pattern of ${shown.name}: ${queries.length} queries, ${keys.length} keys. Arrow keys go from cell to cell.`,
    );
    const grid = {
      rows: queries.length,
      columns: keys.length,
      at: (row: number, column: number) => this.#number(row, column),
    };
    const { room } = shown;
    this.#picture = pictureOf(grid, shown.scale, Math.round(room.width * room.density));
    this.#box = this.#layout(room.width, shown.shown);
    this.#draw();
    this.#tabulate();
  }

  #number(row: number, column: number): number {
    return this.#shown?.shown.at(this.#shown.head, row, column) ?? Number.NaN;
  }

  #layout(width: number, { queries, keys }: Pattern): Box {
    const measure = this.view.measure;
    const longest = Math.max(...queries.map((place) => measure(placeWords(place), FONT, 400)), 12);
    const left = Math.ceil(Math.min(MOST_LEFT, longest)) + 8;
    const each = Math.min(MOST_CELL, (width - left - 2) / Math.max(1, keys.length));
    const tall = Math.max(LEAST_ROW, Math.min(MOST_CELL, Math.max(each, queries.length <= 4 ? 16 : 0)));
    return { left, each, tall, height: tall * queries.length + FOOT };
  }

  get #cross(): readonly [number, number] {
    const shown = this.#shown;
    if (!shown) return [0, 0];
    const { queries, keys } = shown.shown;
    if (this.#at) return [Math.min(this.#at[0], queries.length - 1), Math.min(this.#at[1], keys.length - 1)];
    const row = queries.length - 1;
    return [row, strongest(shown.shown, shown.head, row)?.column ?? 0];
  }

  #draw(): void {
    const [shown, box] = [this.#shown, this.#box];
    if (!shown || !box) return;
    const [row, column] = this.#cross;
    const words = cellWords(shown, shown.head, row, column);
    setText(this.#where, words.where);
    setText(this.#value, words.value);
    const { queries, keys } = shown.shown;
    const context = sized(this.#canvas, box.left + box.each * keys.length + 2, box.height, shown.room.density);
    if (!context) return;
    const { inks } = this.#palette;
    const [wide, high] = [box.each * keys.length, box.tall * queries.length];
    if (this.#picture) context.drawImage(this.#picture, box.left, 0, wide, high);
    context.strokeStyle = inks.line;
    context.strokeRect(box.left - 0.5, 0.5, wide + 1, high);
    context.font = `${FONT}px ${inks.font}`;
    this.#rows(context, queries, row, inks);
    const { left, each: pitch } = box;
    columnNames(context, { names: keys.map(placeWords), left, pitch, top: high, at: column, letters: LETTERS }, inks);
    context.strokeStyle = inks.bg;
    context.lineWidth = 4;
    const cell = [box.left + column * box.each, row * box.tall, box.each, box.tall] as const;
    context.strokeRect(...cell);
    context.strokeStyle = inks.accent;
    context.lineWidth = 2;
    context.strokeRect(...cell);
  }

  #rows(context: CanvasRenderingContext2D, queries: readonly Place[], at: number, { ink, ink2 }: Inks): void {
    const { left, tall } = this.#box as Box;
    context.textAlign = 'right';
    const skip = Math.ceil(NAMED / tall);
    queries.forEach((place, row) => {
      if (row !== at && (row % skip !== 0 || Math.abs(row - at) < skip)) return;
      context.fillStyle = row === at ? ink : ink2;
      context.fillText(short(placeWords(place)), left - 6, row * tall + tall / 2 + 4, left - 6);
    });
  }

  #hover(event: PointerEvent): void {
    const [shown, box] = [this.#shown, this.#box];
    if (!shown || !box) return;
    const { x, y } = pointIn(this.#canvas, event);
    const [row, column] = [Math.floor(y / box.tall), Math.floor((x - box.left) / box.each)];
    if (row < 0 || column < 0 || row >= shown.shown.queries.length || column >= shown.shown.keys.length) return;
    this.#at = [row, column];
    this.#draw();
  }

  #key(event: KeyboardEvent): void {
    const [step, shown] = [STEPS[event.key], this.#shown];
    if (!step || !shown || isChord(event)) return;
    take(event);
    const [row, column] = this.#cross;
    const inside = (at: number, count: number) => Math.max(0, Math.min(count - 1, at));
    const { queries, keys } = shown.shown;
    this.#at = [inside(row + step[0], queries.length), inside(column + step[1], keys.length)];
    this.#draw();
  }

  /** The table is made when somebody opens it: a pattern may have more rows than a page should hold. */
  #tabulate(): void {
    const shown = this.#shown;
    show(this.#body, this.#table.open);
    if (!shown || !this.#table.open) return;
    const { queries, keys } = shown.shown;
    const rows = queries.map((place, row) => {
      const most = strongest(shown.shown, shown.head, row);
      const key = most ? keys[most.column] : undefined;
      const cells = [placeInFull(place), key ? placeInFull(key) : 'none', most ? weightWords(most.weight) : ''];
      return h('tr', {}, ...cells.map((text) => h('td', {}, text)));
    });
    this.#body.replaceChildren(...rows);
  }
}

const short = (text: string) => (text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text);
