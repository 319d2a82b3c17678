/**
 * How much room an element has, as the browser last said. What is as wide as its room is drawn from this: to ask in a
 * repaint would make the browser lay the page out there and then, and once more for what is drawn.
 */
import { zoomOf } from './magnify';

const USUAL = 400;

/** Pixels of the layout that there are, and device pixels for each of them. */
export type Wide = Pick<Room, 'width' | 'density'>;

export class Room {
  #width = 0;
  #zoom = 1;

  /** @param changed it is another: beside a taller diagram a panel gets a scroll bar */
  constructor(
    private readonly element: HTMLElement,
    signal: AbortSignal,
    changed: () => void,
  ) {
    if (typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => {
      const [width, zoom] = [this.#width, this.#zoom];
      this.measure();
      if (this.#width !== width || this.#zoom !== zoom) changed();
    });
    observer.observe(element);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  /** Whether the browser has said it of the element as it is shown now. */
  get known(): boolean {
    return this.#width > 0;
  }

  /** Ask the browser. */
  measure(): void {
    [this.#width, this.#zoom] = [this.element.clientWidth, zoomOf(this.element)];
  }

  /** In the layout's pixels. */
  get width(): number {
    return this.#width || USUAL;
  }

  /** Device pixels for one of the layout's. */
  get density(): number {
    return (globalThis.devicePixelRatio || 1) * this.#zoom;
  }
}
