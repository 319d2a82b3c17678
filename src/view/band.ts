/**
 * Dragging over heads and experts chooses them: a frame is drawn from where the pointer went down, and what it touches is
 * chosen as with Shift. It begins on a head or an expert, with Shift anywhere; with Shift or Ctrl what was chosen stays.
 */
import type { CellBox, Point, Rect } from '../layout';
import { type Meaning, meaningOf } from './choosing';
import type { View } from './context';
import { put, s } from './dom';
import { on } from './events';

/** A hand that clicks moves no further. */
const STILL = 5;
const CELLS = '.gb-cell, .gb-compact';

const between = (a: Point, b: Point): Rect => ({
  x: Math.min(a.x, b.x),
  y: Math.min(a.y, b.y),
  w: Math.abs(a.x - b.x),
  h: Math.abs(a.y - b.y),
});

const touches = (a: Rect, b: Rect) => a.x <= b.x + b.w && b.x <= a.x + a.w && a.y <= b.y + b.h && b.y <= a.y + a.h;

interface Dragged {
  readonly id: number;
  readonly from: Point;
  /** What stays chosen, whatever the frame touches. */
  readonly before: readonly string[];
  drawn: boolean;
}

export class Band {
  #frame = s('rect', { class: 'gb-band', rx: 3, 'aria-hidden': 'true' });
  #dragged: Dragged | null = null;

  /**
   * @param at where a pointer is in the scene
   * @param cells what can be chosen: nothing where nothing can be ablated
   */
  constructor(
    private readonly view: View,
    private readonly svg: SVGSVGElement,
    private readonly at: (event: PointerEvent) => Point,
    private readonly cells: () => readonly CellBox[],
  ) {
    const { signal } = view;
    on(svg, 'pointerdown', (event) => this.#pressed(event), signal);
    on(svg, 'pointermove', (event) => this.#moved(event), signal);
    for (const name of ['pointerup', 'pointercancel'] as const) {
      on(svg, name, () => this.#released(), signal);
    }
  }

  #pressed(event: PointerEvent): void {
    this.#released();
    // A finger scrolls the page.
    if (event.pointerType === 'touch' || event.button !== 0 || this.cells().length === 0) return;
    const meaning: Meaning = meaningOf(event);
    const begins = (event.target as Element).closest(CELLS) !== null || event.shiftKey;
    if (!begins || meaning === 'look') return;
    const before = meaning === 'choose' ? this.view.state.value.chosen : [];
    this.#dragged = { id: event.pointerId, from: this.at(event), before, drawn: false };
  }

  #moved(event: PointerEvent): void {
    const { svg } = this;
    // Until a frame is drawn nobody says where the button is let go of.
    if (event.buttons === 0) this.#released();
    const dragged = this.#dragged;
    if (dragged?.id !== event.pointerId) return;
    const rect = between(dragged.from, this.at(event));
    if (!dragged.drawn && Math.hypot(rect.w, rect.h) < STILL) return;
    if (!dragged.drawn) {
      dragged.drawn = true;
      // From here on it is no click on what it began on: that goes to what has the pointer.
      svg.setPointerCapture?.(dragged.id);
      svg.append(this.#frame);
    }
    for (const [name, value] of Object.entries({ x: rect.x, y: rect.y, width: rect.w, height: rect.h })) {
      put(this.#frame, name, value.toFixed(1));
    }
    this.#choose(dragged, rect);
  }

  #choose({ before }: Dragged, rect: Rect): void {
    const touched = this.cells().flatMap((cell) => (touches(cell, rect) ? [cell.address] : []));
    const wanted = [...before, ...touched.filter((one) => !before.includes(one))];
    const { chosen } = this.view.state.value;
    if (wanted.join() !== chosen.join()) this.view.state.set({ chosen: wanted });
  }

  #released(): void {
    this.#dragged = null;
    this.#frame.remove();
  }
}
