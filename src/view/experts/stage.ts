/** The Experts stage: layers × experts, the selected layer under it, and where its tokens go. */
import type { Part, View } from '../context';
import { h } from '../dom';
import type { Look } from '../look';

export class ExpertsStage implements Part {
  readonly element = h('div', { class: 'gb-experts' });

  constructor(protected readonly view: View) {}

  paint(_look: Look): void {}
}
