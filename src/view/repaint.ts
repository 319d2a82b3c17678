/**
 * When a view is repainted: once for all changes that a message brings, and as often as messages come while it is in sight.
 * Out of sight it is kept up now and then, so that ten views that stream cost what those cost that are looked at. Nothing
 * old is seen: it is painted before it comes into sight, before it is printed, and never later than `REST_MS`.
 */
import type { View } from './context';

const REST_MS = 500;
/** So far from sight it is painted as if it were in sight. */
const NEAR = '300px';

export class Repaint {
  #scheduled = false;
  #seen = true;
  #painted = Number.NEGATIVE_INFINITY;
  /** Set while a change waits to be painted out of sight. */
  #owed: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly view: Pick<View, 'root' | 'signal'>,
    private readonly paint: () => void,
  ) {
    const { root, signal } = view;
    signal.addEventListener('abort', () => clearTimeout(this.#owed));
    window.addEventListener('beforeprint', () => this.#settle(), { signal });
    if (typeof IntersectionObserver === 'undefined') return;
    const watched = (entries: readonly IntersectionObserverEntry[]) => {
      this.#seen = entries.at(-1)?.isIntersecting ?? true;
      if (this.#seen) this.#settle();
    };
    // A notebook scrolls within the window: `scrollMargin` is what `rootMargin` is there, in browsers that know it.
    const margins = { rootMargin: NEAR, scrollMargin: NEAR };
    const observer = new IntersectionObserver(watched, margins);
    observer.observe(root);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  /** Something has changed. */
  schedule(): void {
    if (this.#scheduled || this.#owed !== undefined) return;
    const rest = this.#seen ? 0 : this.#painted + REST_MS - performance.now();
    if (rest > 0) {
      this.#owed = setTimeout(() => this.#settle(), rest);
      return;
    }
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.now();
    });
  }

  now(): void {
    if (this.view.signal.aborted) return;
    this.#painted = performance.now();
    this.paint();
  }

  /** Paint at once what waits to be painted. */
  #settle(): void {
    if (this.#owed === undefined) return;
    clearTimeout(this.#owed);
    this.#owed = undefined;
    this.now();
  }
}
