/**
 * The keys stay in a view. What a repaint switches off, hides or takes away loses the focus to the page, where no key of
 * the view is heard: the view has it then, and what was off has it again as soon as it can be pressed.
 */
import { focusAround } from './dom';

const usable = (element: HTMLElement) =>
  element.isConnected && !element.matches(':disabled') && element.closest('[hidden]') === null;

export class KeptFocus {
  /** What had the focus before the view itself had it. */
  #off: HTMLElement | null = null;

  constructor(private readonly root: HTMLElement) {}

  /** Repaint, and let no key go astray. */
  through(paint: () => void): void {
    const { root } = this;
    const before = focusAround(root);
    const inside = before instanceof HTMLElement && root.contains(before);
    paint();
    if (before !== root) this.#off = null;
    if (!inside) return;
    if (before !== root) this.#take(before);
    else if (this.#off && usable(this.#off) && focusAround(root) === root) this.#off.focus({ preventScroll: true });
  }

  #take(before: HTMLElement): void {
    if (usable(before)) return;
    const now = focusAround(this.root);
    // A part that gave it to something else knew better.
    if (now !== null && now !== before && now !== document.body) return;
    this.root.focus({ preventScroll: true });
    this.#off = before;
  }
}
