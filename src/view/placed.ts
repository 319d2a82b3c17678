/**
 * A part in its place on the page. One that is not on the stage that is shown costs nothing, and one that fails is shown
 * as failed, in words, while all others are drawn: a page never goes blank because of one of its parts.
 */
import type { Scene } from '../layout';
import type { StageName } from '../state/local';
import type { Part } from './context';
import { h, setText } from './dom';
import type { Look } from './look';

export class Placed {
  #drawn: Scene | null = null;
  #failed = h('p', { class: 'gb-failed', role: 'alert' });

  constructor(
    private readonly part: Part,
    /** The stages that it belongs to; null: all. */
    private readonly stages: readonly StageName[] | null,
    private readonly element: Element = part.element,
  ) {}

  /** @param scene an error where there is none, because the model could not be laid out */
  paint(look: Look, scene: Scene | Error, stage: StageName): void {
    const there = this.stages?.includes(stage) ?? true;
    for (const node of [this.element, this.#failed]) node.classList.toggle('gb-off-stage', !there);
    if (!there) return;
    try {
      this.#paint(look, scene);
      if (this.#failed.isConnected) this.#shows(null);
    } catch (error) {
      this.#shows(error);
    }
  }

  #paint(look: Look, scene: Scene | Error): void {
    if (this.part.draw && scene !== this.#drawn) {
      if (scene instanceof Error) throw scene;
      this.part.draw(scene);
      this.#drawn = scene;
    }
    this.part.paint(look);
  }

  /** What it showed last would be taken for what is: it goes, and what went wrong stands in its place. */
  #shows(error: unknown): void {
    this.element.classList.toggle('gb-broken', error !== null);
    if (error === null) {
      this.#failed.remove();
      return;
    }
    const words = `This part of the page cannot be drawn: ${error instanceof Error ? error.message : String(error)}`;
    if (!this.#failed.isConnected) this.element.after(this.#failed);
    // biome-ignore lint/suspicious/noConsole: who looks for the cause needs to know where it was
    if (this.#failed.textContent !== words) console.error(error);
    setText(this.#failed, words);
  }
}
