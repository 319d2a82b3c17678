/**
 * The effects in the shape of the model, on a canvas: a row for each layer, a cell for each head and expert, a box with its
 * number for each block. One cell is selected; its ring is the grid's one cell for keyboard and screen reader.
 */
import { effectText } from '../../layout/format';
import { describe } from '../../layout/kinds';
import { locate } from '../../layout/model';
import { cellAt, layoutSweep, type SweepCell, type SweepMap } from '../../layout/sweep';
import { byAddress, limitOf } from '../../state/effects';
import type { Effect } from '../../wire/types.generated';
import { coloursOf, type Inks, Palette, sized } from '../canvas';
import { Changes } from '../changes';
import { signedColour } from '../colour';
import { activate, type View } from '../context';
import { h, put } from '../dom';
import { isChord, on, take } from '../events';
import { move } from '../keys';
import type { Look } from '../look';
import { pointIn } from '../magnify';
import { type Box, Pointed, placeAt } from '../pointed';

/** A box so high has room for its number. */
const NUMBERED = 13;

/** What is known of one address, in words. */
export function effectInWords(effect: Effect | undefined, unit: string): string {
  if (!effect) return 'not measured yet';
  if (effect.effect === null) return `not measured: ${effect.why ?? 'no number'}`;
  return `${effect.effect === 0 ? 'exactly 0' : effectText(effect.effect)} ${unit}`;
}

const around = ({ x, y, w, h: tall }: SweepCell, gap: number): Box => [x - gap, y - gap, w + 2 * gap, tall + 2 * gap];

export class SweepCells {
  readonly element = h('div', { class: 'gb-sweep-map' });
  map: SweepMap = { width: 0, height: 0, spine: 0, rows: [], heads: [] };
  #canvas = h('canvas', { 'aria-hidden': 'true' });
  #cell = h('div', { class: 'gb-sweep-cell', role: 'gridcell', tabindex: 0, 'aria-selected': 'true' });
  #pointed: Pointed<SweepCell>;
  #effects: ReadonlyMap<string, Effect> = new Map();
  #unit = '';
  #laid = new Changes();
  #drawn = new Changes();
  #palette: Palette;

  constructor(private readonly view: View) {
    this.#palette = new Palette(view);
    const grid = h('div', { role: 'grid', 'aria-label': 'Effects by layer' }, h('div', { role: 'row' }, this.#cell));
    const { signal } = view;
    this.#pointed = new Pointed<SweepCell>(
      this.element,
      {
        at: (event) => this.#at(event),
        boxOf: (cell) => around(cell, 1),
        nameOf: ({ address }) => address,
        wordsOf: ({ address }) => this.#wordsOf(address),
      },
      { frame: 'gb-sweep-hover', tip: 'gb-tooltip', does: 'Click: select it. Double click or x: ablate it' },
      signal,
    );
    this.element.append(this.#canvas, this.#pointed.frame, grid, this.#pointed.tip);
    on(this.element, 'click', (event) => this.#clicked(event), signal);
    on(this.element, 'dblclick', (event) => this.#ablate(this.#at(event)), signal);
    on(this.#cell, 'keydown', (event) => this.#keyed(event), signal);
  }

  paint(look: Look, width: number): void {
    const laid = this.#lay(width);
    const { sweep } = this.view.session.page.value;
    const { selected } = this.view.state.value;
    const colours = coloursOf(this.view.state.value);
    const changed = this.#drawn.any(sweep, colours, look.interventions, globalThis.devicePixelRatio);
    if (laid) this.#pointed.leave();
    if (laid || changed) {
      this.#effects = byAddress(sweep);
      this.#unit = sweep?.unit ?? '';
      this.#draw(look, limitOf(sweep?.rows ?? []));
      this.#pointed.refresh();
    }
    this.#mark(selected);
  }

  /** Returns whether cells have other places now. */
  #lay(width: number): boolean {
    const { layout, architecture } = this.view.session.durable.value;
    const sites = layout?.sites ?? [];
    if (!this.#laid.any(width, layout, architecture)) return false;
    const sideOf = (address: string) => {
      const block = locate(architecture, address)?.block;
      return block ? describe(block).side : 1;
    };
    this.map = layoutSweep(sites, sideOf, width);
    Object.assign(this.element.style, { width: `${this.map.width}px`, height: `${this.map.height}px` });
    return true;
  }

  #draw(look: Look, limit: number): void {
    const { map } = this;
    const context = sized(this.#canvas, map.width, map.height);
    if (!context) return;
    const { inks } = this.#palette;
    this.#frame(context, inks);
    for (const row of map.rows) for (const cell of row.cells) this.#drawCell(context, cell, inks, look, limit);
  }

  /** Rows, the stream, and names. */
  #frame(context: CanvasRenderingContext2D, inks: Inks): void {
    const { map } = this;
    context.textBaseline = 'middle';
    map.rows.forEach((row, i) => {
      context.fillStyle = inks.s1;
      if (i % 2 === 0) context.fillRect(0, row.y, map.width, row.h);
    });
    const named = Math.max(1, Math.ceil(12 / (map.rows[0]?.h ?? 12)));
    context.fillStyle = inks.ink;
    context.font = `600 11px ${inks.font}`;
    map.rows.forEach((row, i) => {
      if ((map.rows.length - 1 - i) % named === 0) context.fillText(row.address, 2, row.y + row.h / 2, 36);
    });
    context.fillStyle = inks.ink2;
    context.font = `11px ${inks.font}`;
    context.textAlign = 'center';
    for (const { name, x } of map.heads) context.fillText(name, x, 9);
    context.textAlign = 'start';
    this.#stream(context, inks);
  }

  #stream(context: CanvasRenderingContext2D, inks: Inks): void {
    const { spine, height, rows } = this.map;
    context.strokeStyle = inks.spine;
    context.lineWidth = 3;
    context.beginPath();
    context.moveTo(spine, height - 2);
    context.lineTo(spine, 8);
    context.stroke();
    context.lineWidth = 1.2;
    context.strokeStyle = inks.edge;
    context.beginPath();
    for (const { cells } of rows) {
      for (const cell of cells.filter(({ kind }) => kind === 'block')) {
        const y = cell.y + cell.h / 2;
        const near = cell.x > spine ? cell.x : cell.x + cell.w;
        context.moveTo(spine, y);
        context.lineTo(near, y);
      }
    }
    context.stroke();
    context.fillStyle = inks.spine;
    context.beginPath();
    context.moveTo(spine - 6, 10);
    context.lineTo(spine, 1);
    context.lineTo(spine + 6, 10);
    context.fill();
  }

  #drawCell(context: CanvasRenderingContext2D, cell: SweepCell, inks: Inks, look: Look, limit: number): void {
    const { x, y, w, h: tall } = cell;
    const known = this.#effects.get(cell.address);
    const effect = known?.effect ?? null;
    const paint = effect === null ? null : signedColour(effect / limit, this.view.state.value.theme);
    context.beginPath();
    context.roundRect(x, y, w, tall, Math.min(3, tall / 4));
    if (paint) {
      context.fillStyle = paint.fill;
      context.fill();
    }
    const edited = look.edits(cell.address).length > 0;
    context.strokeStyle = edited ? inks.cut : inks.edge;
    context.lineWidth = edited ? 1.8 : 0.75;
    context.setLineDash(edited ? [4, 2.5] : []);
    context.stroke();
    context.setLineDash([]);
    if (known && effect === null) this.#cross(context, cell);
    if (cell.kind === 'block' && effect !== null && tall >= NUMBERED) {
      context.fillStyle = paint?.ink ?? inks.ink;
      context.font = `600 11px ${inks.font}`;
      context.textAlign = 'center';
      context.fillText(effectText(effect), x + w / 2, y + tall / 2 + 0.5, w - 4);
      context.textAlign = 'start';
    }
  }

  /** It was tried, and there is no number. */
  #cross(context: CanvasRenderingContext2D, { x, y, w, h: tall }: SweepCell): void {
    const [cx, cy, r] = [x + w / 2, y + tall / 2, Math.min(4, w / 3, tall / 3)];
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(cx - r, cy - r);
    context.lineTo(cx + r, cy + r);
    context.moveTo(cx - r, cy + r);
    context.lineTo(cx + r, cy - r);
    context.stroke();
  }

  #find(address: string | null): SweepCell | null {
    for (const { cells } of this.map.rows) {
      const found = cells.find((cell) => cell.address === address);
      if (found) return found;
    }
    return null;
  }

  #mark(selected: string | null): void {
    const cell = this.#find(selected);
    const shown = cell ?? this.map.rows[0]?.cells[0] ?? null;
    this.#cell.classList.toggle('gb-idle', cell === null);
    if (!shown) return;
    placeAt(this.#cell, around(shown, 2));
    put(this.#cell, 'aria-label', `${shown.address}: ${this.#wordsOf(shown.address)}`);
  }

  #at(event: MouseEvent): SweepCell | null {
    const { x, y } = pointIn(this.#canvas, event);
    return cellAt(this.map, x, y);
  }

  #clicked(event: MouseEvent): void {
    const cell = this.#at(event);
    if (!cell) return;
    this.#pointed.leave();
    this.view.state.set({ selected: cell.address });
    this.#cell.focus({ preventScroll: true });
  }

  #ablate(cell: SweepCell | null): void {
    if (cell) activate(this.view, cell.address, 'ablate');
  }

  #wordsOf(address: string): string {
    return effectInWords(this.#effects.get(address), this.#unit);
  }

  #keyed(event: KeyboardEvent): void {
    if (isChord(event) || event.shiftKey) return;
    const { selected } = this.view.state.value;
    const lines = this.map.rows.map(({ cells }) =>
      [...cells]
        .sort((a, b) => a.x - b.x || a.y - b.y)
        .map(({ address, x, y, w, h: tall }) => ({ key: address, address, x: x + w / 2, y: y + tall / 2 })),
    );
    const acts = event.key === 'x' || event.key === 'Enter';
    const to = acts ? null : move(lines, this.#find(selected) ? (selected ?? '') : '', event.key);
    if (!acts && !to) return;
    take(event);
    if (acts) this.#ablate(this.#find(selected));
    if (!to) return;
    this.view.state.set({ selected: to.address });
    this.view.announce(`${to.address}: ${this.#wordsOf(to.address)}`);
    requestAnimationFrame(() => this.#cell.scrollIntoView?.({ block: 'nearest', inline: 'nearest' }));
  }
}
