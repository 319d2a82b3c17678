/** What the selected block does from token to token: attention patterns, states of mixers. */
import type { Part, View } from './context';
import { h, show } from './dom';
import type { Look } from './look';

export class Patterns implements Part {
  readonly element = h('section', { class: 'gb-section gb-patterns' });

  constructor(readonly view: View) {}

  paint(look: Look): void {
    show(this.element, look.live && false);
  }
}
