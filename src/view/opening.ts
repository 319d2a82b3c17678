/** Opens a block in the diagram and closes it: a button at its corner, a key, Enter where it is selected already. */

import type { BlockBox, Scene } from '../layout';
import { between } from '../layout/between';
import type { View } from './context';
import { CLOSES } from './shortcuts';

/** How long a change of the structure moves. */
const MOVES = 200;

const still = () =>
  document.body.classList.contains('vscode-reduce-motion') ||
  (globalThis.matchMedia?.('(prefers-reduced-motion: reduce)').matches ?? true);

export class Opening {
  #scene: Scene | null = null;
  #opened: string | null = null;
  #frame = 0;

  constructor(private readonly view: View) {
    const { shortcuts, state, signal } = view;
    shortcuts.bind('open', ({ target }) => {
      const under = (target as Element).closest<SVGElement>('.gb-hit')?.dataset.address;
      return this.toggle(under ?? state.value.selected ?? '') || this.close();
    });
    shortcuts.bind('close', () => this.close(), CLOSES.opened);
    signal.addEventListener('abort', () => cancelAnimationFrame(this.#frame));
  }

  /** The block that an address is, or is in, if it can be opened. */
  #box(address: string): BlockBox | undefined {
    const boxes = this.#scene?.cards.flatMap(({ blocks }) => blocks) ?? [];
    return boxes.find((box) => box.opener && (address === box.address || address.startsWith(`${box.address}.`)));
  }

  /** Whether there is anything to open. */
  toggle(address: string): boolean {
    const box = this.#box(address);
    if (!box) return false;
    this.view.state.set({ opened: box.inside ? null : box.address });
    this.view.announce(box.inside ? `${box.address} closed` : `${box.address} opened`);
    return true;
  }

  close(): boolean {
    const { opened } = this.view.state.value;
    if (opened === null) return false;
    this.view.state.set({ opened: null });
    this.view.announce(`${opened} closed`);
    return true;
  }

  /** Draw a scene; where a block was opened or closed since the last one, all that stays moves to its place. */
  moveTo(scene: Scene, draw: (scene: Scene, last: boolean) => void): void {
    const [before, { opened }] = [this.#scene, this.view.state.value];
    const moves = before !== null && opened !== this.#opened && !still();
    this.#scene = scene;
    this.#opened = opened;
    cancelAnimationFrame(this.#frame);
    if (!moves) {
      draw(scene, true);
      return;
    }
    const start = performance.now();
    const step = () => {
      const share = Math.min(1, (performance.now() - start) / MOVES);
      if (share < 1) {
        draw(between(before, scene, 1 - (1 - share) ** 3), false);
        this.#frame = requestAnimationFrame(step);
      } else draw(scene, true);
    };
    step();
  }
}
