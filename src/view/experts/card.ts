/** The selected expert: its neighbours magnified, its facts, and what can be done to it. */
import type { Part, View } from '../context';
import { h } from '../dom';
import type { Look } from '../look';

export class ExpertCard implements Part {
  readonly element = h('section', { class: 'gb-section gb-expert', 'aria-label': 'Selected expert' });

  constructor(protected readonly view: View) {}

  paint(_look: Look): void {}
}
