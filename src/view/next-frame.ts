/**
 * Draws when the browser next paints, once for all that has happened until then: reading sizes earlier would force a
 * layout in every repaint. What fails there fails in nobody's hands, so it is kept for the next repaint to throw, where the
 * part is shown as failed. Where all sizes are known, it draws at once: frames come in an animation frame already, and a
 * second one for the same frame would be laid out, painted and handed over once more.
 */
export class NextFrame {
  #asked = false;
  #failed: { readonly error: unknown } | null = null;

  constructor(
    private readonly signal: AbortSignal,
    private readonly draw: () => void,
  ) {}

  /** @param wait for so many ms nothing is drawn */
  ask(wait = 0): void {
    if (this.#asked) return;
    this.#asked = true;
    const soon = () => requestAnimationFrame(() => this.#now());
    if (wait > 0) setTimeout(soon, wait);
    else soon();
  }

  /** Draw at once if it can be, else when the browser next paints. */
  soon(known: boolean): void {
    if (known) this.#now();
    else this.ask();
  }

  /** Throw what went wrong when it was drawn last. */
  check(): void {
    if (this.#failed) throw this.#failed.error;
  }

  #now(): void {
    this.#asked = false;
    if (this.signal.aborted) return;
    this.#failed = null;
    try {
      this.draw();
    } catch (error) {
      this.#failed = { error };
    }
  }
}
