/** What a pointer is on, among cells on a canvas: framed at once, and after a moment said in words beside it. */
import { h, setText } from './dom';
import { on } from './events';

/** Edges in CSS pixels: left, top, width, height. */
export type Box = readonly [x: number, y: number, w: number, h: number];

export interface Cells<C> {
  at(event: MouseEvent): C | null;
  boxOf(cell: C): Box;
  /** Its address: two cells of one address are the same. */
  nameOf(cell: C): string;
  wordsOf(cell: C): string;
}

const DELAY = 150;
/** Between a cell and its words. */
const GAP = 6;

export function placeAt({ style }: HTMLElement, [x, y, w, tall]: Box): void {
  Object.assign(style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${tall}px` });
}

export class Pointed<C> {
  readonly frame: HTMLElement;
  readonly tip: HTMLElement;
  #name = h('b');
  #words = h('span');
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over: string | null = null;
  /** What the words are of. */
  #told: C | null = null;

  /** `does` says what a click does. */
  constructor(
    private readonly host: HTMLElement,
    private readonly cells: Cells<C>,
    names: { frame: string; tip: string; does: string },
    signal: AbortSignal,
  ) {
    this.frame = h('i', { class: names.frame, hidden: true });
    const action = h('span', { class: 'gb-action' }, names.does);
    this.tip = h('div', { class: names.tip, hidden: true }, this.#name, this.#words, action);
    on(host, 'pointermove', (event) => this.#moved(cells.at(event)), signal);
    on(host, 'pointerleave', () => this.leave(), signal);
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  leave(): void {
    clearTimeout(this.#timer);
    this.#over = null;
    this.#told = null;
    this.frame.hidden = true;
    this.tip.hidden = true;
  }

  /** Say anew what may have changed under a pointer that rests. */
  refresh(): void {
    if (this.#told !== null) setText(this.#words, this.cells.wordsOf(this.#told));
  }

  #moved(cell: C | null): void {
    const name = cell && this.cells.nameOf(cell);
    if (name === this.#over) return;
    this.leave();
    this.#over = name;
    this.frame.hidden = cell === null;
    if (!cell) return;
    placeAt(this.frame, this.cells.boxOf(cell));
    this.#timer = setTimeout(() => this.#tell(cell), DELAY);
  }

  #tell(cell: C): void {
    const { cells, tip } = this;
    this.#told = cell;
    setText(this.#name, cells.nameOf(cell));
    this.refresh();
    tip.hidden = false;
    const [x, y, w, tall] = cells.boxOf(cell);
    const left = Math.max(0, Math.min(x + (w - tip.offsetWidth) / 2, this.host.clientWidth - tip.offsetWidth));
    const above = y - tip.offsetHeight - GAP;
    Object.assign(tip.style, { left: `${left}px`, top: `${above >= 0 ? above : y + tall + GAP}px` });
  }
}
