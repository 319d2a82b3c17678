/**
 * Tokens x layers: what the stream is after each layer at each token, or what each branch adds to it. A click on a token
 * shows its values in the diagram.
 */
import { fixed, percent } from '../../layout/format';
import { mostRowsOf, type Rows, roomFor, rowsOf, valuesOf } from '../../state/grid';
import type { HeatOf } from '../../state/local';
import { type Column, columnsOf, endOf } from '../../state/moment';
import type { LayoutIndex } from '../../state/readings';
import { type Limits, robustLimits } from '../../state/scale';
import type { DecodedFrame } from '../../wire/codec';
import { visible } from '../candidates';
import { Palette, sized } from '../canvas';
import { GRADIENT, signedGradient } from '../colour';
import type { Part, View } from '../context';
import { h, put, setText, show } from '../dom';
import { isChord, on, take } from '../events';
import { jumpTo } from '../jump';
import { type Look, runShown } from '../look';
import { pointIn } from '../magnify';
import { NextFrame } from '../next-frame';
import { Room } from '../resized';
import { type Grid, HeatCells, type Places, placesOf } from './cells';
import { HeatTable } from './table';
import { cellWords, HEATS, largestOf, missingIn, notesOf } from './words';

const CHANGE_LIMITS: Limits = { low: 0.003, high: 0.8 };
const COSINE_LIMITS: Limits = { low: -1, high: 1 };
/** A column is at least as wide as this. */
const LEAST = 7;
const LABEL = { least: 46, most: 84 };

export class Heat implements Part {
  readonly element = h('section', { class: 'gb-section gb-heat' });
  #canvas = h('canvas', { role: 'application', tabindex: 0, 'data-testid': 'heat' });
  #select = h('select', { class: 'gb-choice', 'aria-label': 'What the cells show', 'data-testid': 'heat-of' });
  #range = h('input', { type: 'range', min: 0, step: 1, 'aria-label': 'First token shown' });
  /** Which tokens are shown of a long text; what a click does, where all of them are. */
  #which = h('span', { class: 'gb-sub' });
  #run = h('span', { class: 'gb-sub gb-heat-run' });
  #low = h('span', { class: 'gb-num' });
  #high = h('span', { class: 'gb-num' });
  #bar = h('i', { class: 'gb-gradient' });
  #note = h('span', { class: 'gb-heat-note' });
  /** Leads to the row whose value is the largest at the token that is shown. */
  #most = h('button', { class: 'gb-link gb-heat-most', 'data-testid': 'heat-largest' });
  /** It stands where that does, while a cell is pointed at. */
  #tip = h('div', { class: 'gb-heat-tip gb-sub', 'data-testid': 'heat-tip' });
  #under = h('div', { class: 'gb-heat-under' }, this.#tip, this.#most, this.#range, this.#which);
  #legend = h('div', { class: 'gb-heat-scale gb-sub' }, this.#low, this.#bar, this.#high, this.#note);
  /** Which tokens this page has no values of, and where they are. */
  #missing = h('p', { class: 'gb-sub gb-heat-missing', 'data-testid': 'heat-missing', hidden: true });
  #table = new HeatTable();
  #cells = new HeatCells();
  #rows: Rows | null = null;
  #rowsFrom: LayoutIndex | null = null;
  /** The room of their names. */
  #left = 0;
  #mostRows = 1;
  #look: Look | null = null;
  #grid: Grid | null = null;
  #places: Places | null = null;
  /** The place in the sequence of the first column; a person may look at earlier ones than the last. */
  #start = 0;
  #from: number | null = null;
  #cursor: [row: number, place: number] | null = null;
  #pointed: [row: number, column: number] | null = null;
  #palette: Palette;
  #next: NextFrame;
  #room: Room;

  constructor(private readonly view: View) {
    const { signal } = view;
    this.#palette = new Palette(view);
    this.#next = new NextFrame(signal, () => this.#look && this.#rows && this.#draw(this.#look, this.#rows));
    for (const [of, words] of Object.entries(HEATS)) this.#select.append(h('option', { value: of }, words));
    this.element.append(
      h('div', { class: 'gb-section-head' }, h('h2', {}, 'Tokens × layers'), this.#run, this.#select),
      this.#canvas,
      this.#missing,
      this.#under,
      h('div', { class: 'gb-heat-foot' }, this.#legend, this.#table.element),
    );
    on(this.#select, 'change', () => view.state.set({ heat: this.#select.value as HeatOf }), signal);
    on(this.#range, 'input', () => this.#scroll(this.#range.valueAsNumber), signal);
    on(this.#canvas, 'pointermove', (event) => this.#point(this.#cellAt(event)), signal);
    on(this.#canvas, 'pointerleave', () => this.#point(null), signal);
    on(this.#canvas, 'click', (event) => this.#clicked(event), signal);
    on(this.#canvas, 'keydown', (event) => this.#keyed(event), signal);
    on(this.#canvas, 'focus', () => this.#enter(), signal);
    on(this.#canvas, 'blur', () => this.#leave(), signal);
    on(this.#most, 'click', () => this.#most.value !== '' && jumpTo(view, this.#most.value), signal);
    this.#room = new Room(this.element, signal, () => this.#next.ask());
    on(this.#table.element, 'toggle', () => this.#next.ask(), signal);
  }

  paint(look: Look): void {
    this.#look = look;
    const { heat } = this.view.state.value;
    const missing = missingIn(look, this.view);
    setText(this.#missing, missing);
    show(this.#missing, missing !== '');
    const there = look.now !== null && (this.#rows !== null || missing !== '' || look.now.frame.header.positions > 1);
    show(this.element, there);
    if (!there || !look.now) return;
    if (this.#rows?.of !== heat || this.#rowsFrom !== look.now.index) {
      this.#rows = rowsOf(look.now.index, heat);
      this.#rowsFrom = look.now.index;
      const names = this.#rows.rows.map(({ name }) => this.view.measure(name, 11, 400));
      this.#left = Math.max(LABEL.least, Math.min(LABEL.most, Math.ceil(Math.max(...names)) + 6));
      this.#mostRows = mostRowsOf(look.now.index);
    }
    if (this.#select.value !== heat) this.#select.value = heat;
    this.#next.soon(this.#room.known);
    this.#next.check();
  }

  #draw(look: Look, rows: Rows): void {
    if (!look.now || rows.rows.length === 0) return;
    if (!this.#room.known) this.#room.measure();
    const { width, density } = this.#room;
    const left = this.#left;
    const grid = this.#read(look, rows, Math.floor((width - left) / LEAST));
    const places = placesOf(grid, width, left);
    const context = sized(this.#canvas, width, places.height, density);
    if (!context) return;
    [this.#grid, this.#places] = [grid, places];
    this.#cells.draw(context, grid, places, this.#palette.inks);
    this.#describe(look, grid);
    const busy = this.view.session.durable.value.state?.status === 'generating';
    if (!busy) this.#table.fill(grid, this.#start);
  }

  /** The columns that there is room for: the last ones, unless a person looks at earlier ones. */
  #read(look: Look, rows: Rows, most: number): Grid {
    const { now } = look;
    const { moments } = this.view.session.timeline;
    const frame = lastOf(moments, now?.frame as DecodedFrame);
    const end = endOf(frame.header);
    const room = roomFor(end, most, frame.header.first > 0);
    const start = Math.max(0, Math.min(this.#from ?? end, end - room));
    const columns = columnsOf(moments, frame, start, Math.min(end, start + room));
    this.#start = start;
    show(this.#range, end > room);
    put(this.#range, 'max', String(end - room));
    if (this.#range.value !== String(start)) this.#range.value = String(start);
    setText(
      this.#which,
      end > room
        ? `${fixed(start)} to ${fixed(start + columns.length - 1)} of ${fixed(end)}`
        : this.#hint(look, columns),
    );
    const cursor = this.#cursor && ([this.#cursor[0], this.#cursor[1] - start] as const);
    return {
      rows,
      columns,
      names: columns.map((one, i) =>
        visible(one?.frame.header.tokens[one.position] ?? look.run?.tokens[start + i] ?? '…'),
      ),
      room,
      most: this.#mostRows,
      limits: limitsOf(look, rows, columns),
      theme: this.view.state.value.theme,
      shown: (look.token?.place ?? -1) - start,
      cursor,
    };
  }

  /** The legend, and what is at the pointer or the cursor. */
  #describe(look: Look, grid: Grid): void {
    const { of } = grid.rows;
    const say =
      of === 'norm'
        ? (value: number) => fixed(value, value < 1 ? 2 : 0)
        : (value: number) => percent(value, value < 0.1 ? 1 : 0);
    const { low, high } = grid.limits ?? { low: Number.NaN, high: Number.NaN };
    const ends = of === 'cosine' ? ['−1', '+1'] : grid.limits ? [say(low), say(high)] : ['', ''];
    setText(this.#low, ends[0] ?? '');
    setText(this.#high, ends[1] ?? '');
    const stops = of === 'cosine' ? signedGradient(grid.theme) : GRADIENT;
    put(this.#bar, 'style', `background:linear-gradient(90deg,${stops.join(',')})`);
    setText(this.#note, notesOf(look, grid).join('; '));
    put(this.#note, 'title', this.#note.textContent ?? '');
    setText(this.#run, look.interventions.length > 0 ? runShown(look) : '');
    const about = `${grid.rows.rows.length} rows, ${grid.columns.length} tokens. Arrows move, Enter shows a token in the diagram.`;
    put(this.#canvas, 'aria-label', `${HEATS[of]}: ${about}`);
    const most = largestOf(grid.rows, grid.columns[grid.shown] ?? null);
    setText(this.#most, most ? `Largest at “${grid.names[grid.shown]}”: ${most.name}, ${most.words}` : '');
    this.#most.value = most?.address ?? '';
    const cell = this.#pointed ?? (grid.cursor as [number, number] | null);
    const words = cell ? this.#words(grid, ...cell) : '';
    setText(this.#tip, words);
    show(this.#tip, words !== '');
    show(this.#most, words === '' && most !== null);
    show(this.#which, words === '' || !this.#range.hidden);
  }

  #hint({ token }: Look, columns: readonly unknown[]): string {
    return token && columns.length > 1 ? 'click a token to show it' : '';
  }

  #words(grid: Grid, row: number, column: number): string {
    const [name, token, at] = [grid.rows.rows[row]?.name, grid.names[column], grid.columns[column] ?? null];
    if (name === undefined || token === undefined) return '';
    const words = cellWords(grid.rows, row, at);
    return `${name} at token ${this.#start + column}, “${token}”: ${words}`;
  }

  #cellAt(event: MouseEvent): [row: number, column: number] | null {
    const [at, grid] = [this.#places, this.#grid];
    if (!at || !grid) return null;
    const { x, y } = pointIn(this.#canvas, event);
    const [row, column] = [Math.floor(y / at.row), Math.floor((x - at.left) / at.pitch)];
    if (column < 0 || column >= grid.columns.length) return null;
    return [Math.min(row, grid.rows.rows.length), column];
  }

  #point(cell: [row: number, column: number] | null): void {
    this.#pointed = cell;
    this.#canvas.style.cursor = cell ? 'pointer' : '';
    if (this.#grid && this.#look) this.#describe(this.#look, this.#grid);
  }

  #clicked(event: MouseEvent): void {
    const cell = this.#cellAt(event);
    if (cell) this.#choose(this.#start + cell[1]);
  }

  /** Show a token's values: those of its frame, if it is another one. */
  #choose(place: number): void {
    const [look, column] = [this.#look, this.#grid?.columns[place - this.#start]];
    if (!look?.now || !column) return;
    const { timeline } = this.view.session;
    const { header } = column.frame;
    if (column.frame !== look.now.frame && !timeline.showing(column.frame)) return;
    const last = column.position === header.positions - 1;
    this.view.state.set({ token: last ? null : { place, name: header.tokens[column.position] ?? null } });
    this.view.announce(`The diagram shows token ${place}, ${visible(header.tokens[column.position] ?? '…')}`);
  }

  #scroll(start: number): void {
    const { max } = this.#range;
    this.#from = start >= Number(max) ? null : start;
    this.#next.ask();
  }

  #enter(): void {
    // A click shows its own token, and no cursor.
    if (!this.#canvas.matches(':focus-visible') || !this.#grid || !this.#look) return;
    const { token } = this.#look;
    this.#cursor ??= [0, token?.place ?? this.#start];
    this.#say();
  }

  #leave(): void {
    this.#cursor = null;
    this.#next.ask();
  }

  #keyed(event: KeyboardEvent): void {
    if (isChord(event) || !this.#grid) return;
    if (!this.#moved(event.key, this.#grid)) return;
    take(event);
  }

  #moved(key: string, { rows, columns }: Grid): boolean {
    const [row, place] = this.#cursor ?? [0, this.#look?.token?.place ?? 0];
    if (key === 'Enter' || key === ' ') {
      this.#choose(place);
      return true;
    }
    const down = { ArrowUp: -1, ArrowDown: 1 }[key] ?? 0;
    const on = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -1e9, End: 1e9 }[key] ?? 0;
    if (down === 0 && on === 0) return false;
    const most = Number(this.#range.max) + columns.length - 1;
    const to = Math.max(0, Math.min(Math.max(most, this.#start + columns.length - 1), place + on));
    this.#cursor = [Math.max(0, Math.min(rows.rows.length - 1, row + down)), to];
    if (to < this.#start) this.#scroll(to);
    else if (to >= this.#start + columns.length) this.#scroll(to - columns.length + 1);
    this.#say();
    return true;
  }

  /** Draw the cursor, and say the value under it. */
  #say(): void {
    if (!this.#look || !this.#rows || !this.#cursor) return;
    this.#draw(this.#look, this.#rows);
    if (this.#grid) this.view.announce(this.#words(this.#grid, this.#cursor[0], this.#cursor[1] - this.#start));
  }
}

/** The last frame of the sequence that a frame is of. */
function lastOf(moments: readonly { frame: DecodedFrame; text: unknown }[], frame: DecodedFrame): DecodedFrame {
  const at = moments.findIndex((one) => one.frame === frame);
  const text = moments[at]?.text;
  let last = frame;
  for (let i = at + 1; at >= 0 && moments[i]?.text === text && i < moments.length; i++)
    last = moments[i]?.frame ?? last;
  return last;
}

function limitsOf(look: Look, rows: Rows, columns: readonly (Column | null)[]): Limits | null {
  if (rows.of === 'cosine') return COSINE_LIMITS;
  if (rows.of === 'change') return CHANGE_LIMITS;
  // The clean run is what is compared with: its numbers make the scale.
  const clean = look.clean?.frame;
  const of = clean ? columnsOf([], clean, clean.header.first, endOf(clean.header)) : columns;
  return look.scale(`heat ${rows.of}`, () => robustLimits(valuesOf(rows, of)));
}
