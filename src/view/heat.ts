/** Tokens x layers: the stream after each layer at each token, its size or how far it is from the clean run. */
import { fixed, percent } from '../layout/format';
import type { HeatOf } from '../state/local';
import { change } from '../state/readings';
import { type Limits, robustLimits } from '../state/scale';
import { visible } from './candidates';
import { GRADIENT, magnitude } from './colour';
import type { Part, View } from './context';
import { h, setText, show } from './dom';
import { type Look, runShown } from './look';
import { densityOf, zoomOf } from './magnify';

const ROW = 18;
const LABEL = 46;
const FOOT = 46;
const MOST_ROWS = 64;
/** Below this width a cell has no room for its token's name. */
const NAMED = 13;
const CHANGE_LIMITS: Limits = { low: 0.003, high: 0.8 };

interface Grid {
  readonly rows: readonly string[];
  readonly tokens: readonly string[];
  readonly value: (row: number, position: number) => number;
  /** Whether some of the values there are infinite or no numbers. */
  readonly nonfinite: (row: number, position: number) => boolean;
  readonly limits: Limits | null;
}

/** The mark of what is not finite. */
function cross(context: CanvasRenderingContext2D, x: number, y: number, colour: string): void {
  context.strokeStyle = colour;
  context.beginPath();
  for (const down of [-3, 3]) {
    context.moveTo(x - 3, y - down);
    context.lineTo(x + 3, y + down);
  }
  context.stroke();
}

export class Heat implements Part {
  readonly element = h('section', { class: 'gb-section gb-heat' });
  #canvas = h('canvas', { role: 'img' });
  #tip = h('div', { class: 'gb-sub gb-heat-tip' });
  #low = h('span');
  #high = h('span');
  #note = h('span', { class: 'gb-heat-note' });
  #of: Record<HeatOf, HTMLButtonElement>;
  #grid: Grid | null = null;
  #width = 0;
  #scheduled = false;

  constructor(private readonly view: View) {
    const make = (of: HeatOf, words: string) =>
      h('button', { type: 'button', class: 'gb-segment', 'data-of': of }, words);
    this.#of = { norm: make('norm', 'norm of the stream'), change: make('change', 'change') };
    const seg = h(
      'span',
      { class: 'gb-seg gb-seg-small', role: 'group', 'aria-label': 'What the cells show' },
      this.#of.norm,
      this.#of.change,
    );
    const bar = h('i', { class: 'gb-gradient', style: `background:linear-gradient(90deg,${GRADIENT.join(',')})` });
    this.element.append(
      h('div', { class: 'gb-section-head' }, h('h2', {}, 'Tokens × layers'), seg),
      this.#canvas,
      h('div', { class: 'gb-heat-legend gb-sub' }, this.#low, bar, this.#high, this.#note, this.#tip),
    );
    for (const [of, node] of Object.entries(this.#of)) {
      node.addEventListener('click', () => view.state.set({ heat: of as HeatOf }), { signal: view.signal });
    }
    this.#canvas.addEventListener('pointermove', (event) => this.#hover(event), { signal: view.signal });
    this.#canvas.addEventListener('pointerleave', () => setText(this.#tip, ''), { signal: view.signal });
  }

  paint(look: Look): void {
    const { heat } = this.view.state.value;
    this.#grid = this.#read(look, heat);
    show(this.element, this.#grid !== null);
    for (const [of, node] of Object.entries(this.#of)) node.setAttribute('aria-pressed', String(of === heat));
    if (!this.#grid) return;
    const { limits } = this.#grid;
    const say =
      heat === 'change' ? (value: number) => percent(value) : (value: number) => fixed(value, value < 1 ? 2 : 0);
    setText(this.#low, limits ? say(limits.low) : '');
    setText(this.#high, limits ? say(limits.high) : '');
    const run = look.interventions.length > 0 ? `norm, log, ${runShown(look)}` : 'norm, log';
    const crosses = look.now?.frame.header.first_nonfinite ? '; cross: not finite' : '';
    setText(this.#note, (heat === 'change' ? 'outline: exactly unchanged' : run) + crosses);
    this.#schedule();
  }

  #read(look: Look, heat: HeatOf): Grid | null {
    const { now, clean } = look;
    if (!now) return null;
    const rows = [...now.index.sites('embed').slice(0, 1), ...now.index.sites('layer')].reverse().slice(0, MOST_ROWS);
    const { positions } = now.frame.header;
    if (rows.length === 0 || positions < 2) return null;
    const nonfinite = (row: number, position: number) => now.stat(rows[row] ?? '', 'nonfinite', position) > 0;
    const tokens = Array.from({ length: positions }, (_, i) => now.frame.header.tokens[i] ?? '');
    if (heat === 'change') {
      const value = (row: number, position: number) =>
        clean ? change(now, clean, rows[row] ?? '', position) : Number.NaN;
      return { rows, tokens, value, nonfinite, limits: CHANGE_LIMITS };
    }
    const of = clean ?? now;
    const all = rows.flatMap((address) => tokens.map((_, position) => of.norm(address, position)));
    const value = (row: number, position: number) => now.norm(rows[row] ?? '', position);
    return { rows, tokens, value, nonfinite, limits: robustLimits(all) };
  }

  /** Draw when the browser next paints: reading the canvas's width earlier would force a layout in every repaint. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      if (this.#grid && !this.view.signal.aborted) this.#draw(this.#grid);
    });
  }

  #draw(grid: Grid): void {
    const { rows, tokens, value, limits } = grid;
    const context = this.#canvas.getContext('2d');
    if (!context) return;
    const width = this.#canvas.clientWidth || this.element.clientWidth || 400;
    this.#width = width;
    const rowHeight = Math.max(4, Math.min(ROW, 240 / rows.length));
    const height = rows.length * rowHeight + FOOT;
    const density = densityOf(this.#canvas);
    const [w, tall] = [Math.round(width * density), Math.round(height * density)];
    if (this.#canvas.width !== w) this.#canvas.width = w;
    if (this.#canvas.height !== tall) this.#canvas.height = tall;
    this.#canvas.style.height = `${height}px`;
    this.#canvas.setAttribute(
      'aria-label',
      `${rows.length} rows from the embedding to the last layer, ${tokens.length} tokens`,
    );
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    const css = getComputedStyle(this.view.root);
    const colour = (name: string) => css.getPropertyValue(name).trim();
    const each = (width - LABEL) / tokens.length;
    const [line, loud] = [colour('--gb-line'), colour('--gb-cut')];
    rows.forEach((_, row) => {
      tokens.forEach((_, position) => {
        const [x, y] = [LABEL + position * each, row * rowHeight];
        const measured = value(row, position);
        const bad = grid.nonfinite(row, position);
        const paint = bad || measured === 0 ? null : magnitude(measured, limits);
        context.fillStyle = paint?.fill ?? 'transparent';
        context.strokeStyle = line;
        if (paint) context.fillRect(x, y, Math.max(1, each - 1.5), rowHeight - 1.5);
        else context.strokeRect(x + 0.5, y + 0.5, Math.max(1, each - 2.5), rowHeight - 2.5);
        if (bad) cross(context, x + each / 2 - 0.75, y + rowHeight / 2 - 0.75, loud);
      });
    });
    this.#names(context, {
      rows,
      tokens,
      each,
      rowHeight,
      ink: colour('--gb-ink2'),
      strong: colour('--gb-ink'),
      font: css.fontFamily,
    });
  }

  #names(
    context: CanvasRenderingContext2D,
    of: {
      rows: readonly string[];
      tokens: readonly string[];
      each: number;
      rowHeight: number;
      ink: string;
      strong: string;
      font: string;
    },
  ): void {
    const { rows, tokens, each, rowHeight } = of;
    context.font = `11px ${of.font}`;
    context.fillStyle = of.ink;
    const every = Math.ceil(13 / rowHeight);
    rows.forEach((address, row) => {
      if ((rows.length - 1 - row) % every === 0)
        context.fillText(address, 0, row * rowHeight + rowHeight / 2 + 4, LABEL - 4);
    });
    const skip = Math.ceil(NAMED / each);
    context.textAlign = 'right';
    tokens.forEach((token, position) => {
      const last = position === tokens.length - 1;
      if (!last && (position % skip !== 0 || position > tokens.length - 1 - skip)) return;
      context.save();
      context.translate(LABEL + position * each + each / 2 + 4, rows.length * rowHeight + 10);
      context.rotate(-0.66);
      context.fillStyle = last ? of.strong : of.ink;
      context.fillText(visible(token).slice(0, 9), 0, 0);
      context.restore();
    });
    context.textAlign = 'left';
  }

  #hover(event: PointerEvent): void {
    const grid = this.#grid;
    if (!grid) return;
    const box = this.#canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / zoomOf(this.#canvas);
    const position = Math.floor((x - LABEL) / ((this.#width - LABEL) / grid.tokens.length));
    const [y, tall] = [event.clientY - box.top, box.height].map((pixels) => pixels / zoomOf(this.#canvas)) as [
      number,
      number,
    ];
    const row = Math.floor(y / ((tall - FOOT) / grid.rows.length));
    const [token, address] = [grid.tokens[position], grid.rows[row]];
    if (token === undefined || address === undefined) {
      setText(this.#tip, '');
      return;
    }
    const value = grid.value(row, position);
    const changes = this.view.state.value.heat === 'change';
    const words = changes ? percent(value) : `norm ${fixed(value, 1)}`;
    const none = grid.nonfinite(row, position) ? 'not finite' : changes ? 'not compared' : 'not read';
    setText(this.#tip, `${address} at ${visible(token)}: ${Number.isNaN(value) ? none : words}`);
  }
}
