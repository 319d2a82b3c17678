/**
 * A part that is made when it is first shown: a stage that nobody opens costs the first picture nothing. What stands in
 * its place until then, and around it afterwards, takes no part in the layout.
 */
import type { Part } from './context';
import { h } from './dom';
import type { Look } from './look';

export class Later implements Part {
  readonly element = h('div', { class: 'gb-later' });
  #part: Part | null = null;

  constructor(private readonly make: () => Part) {}

  paint(look: Look): void {
    this.#part ??= this.#made();
    this.#part.paint(look);
  }

  #made(): Part {
    const part = this.make();
    this.element.append(part.element);
    return part;
  }
}
