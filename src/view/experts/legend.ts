/** What the raster's colours and marks mean. */
import { compact } from '../../layout/format';
import { GRADIENT } from '../colour';
import { h, s, setText, show } from '../dom';
import type { Experts } from './model';

const icon = (...marks: SVGElement[]) => s('svg', { width: 14, height: 14, 'aria-hidden': 'true' }, ...marks);
const box = (name: string, more: Readonly<Record<string, string>> = {}) =>
  s('rect', { x: 1, y: 1, width: 12, height: 12, class: name, ...more });

export class ExpertsLegend {
  readonly element = h('div', { class: 'gb-legend gb-ex-legend' });
  #low = h('span', { class: 'gb-num' });
  #high = h('span', { class: 'gb-num' });
  #what = h('span', {});
  #tick = h('i', { class: 'gb-ex-even' });
  #cross = s('path', { d: 'M4.5 4.5 L9.5 9.5 M9.5 4.5 L4.5 9.5', class: 'gb-ex-cross' });
  #none: HTMLElement;

  constructor(private readonly experts: Experts) {
    const key = (name: string, ...marks: SVGElement[]) =>
      h('span', { class: 'gb-key' }, icon(...marks), h('span', {}, name));
    const bar = h(
      'i',
      { class: 'gb-gradient gb-ex-gradient', style: `background:linear-gradient(90deg,${GRADIENT.join(',')})` },
      this.#tick,
    );
    const hatch = s('path', { d: 'M2 8 L8 2 M2 12.5 L12.5 2 M6.5 13 L13 6.5', class: 'gb-ex-hatch' });
    this.#none = key('no token', box('', { fill: GRADIENT[0] as string }), this.#cross);
    const cut = key('ablated', box('gb-ex-cutbox'), hatch);
    const unmeasured = key('not measured', box('gb-ex-outline'));
    this.element.append(
      h('span', { class: 'gb-key' }, this.#low, bar, this.#high, this.#what),
      this.#none,
      cut,
      unmeasured,
    );
  }

  /** Say what is on a raster, whose cells may be too small for a cross. */
  paint(crossed: boolean): void {
    const { experts } = this;
    this.#cross.style.display = crossed ? '' : 'none';
    const words = this.#none.lastElementChild;
    if (words) setText(words, crossed ? 'no token' : 'no token, or the least');
    const load = experts.view.state.value.experts === 'load';
    const { weights } = experts.look ?? {};
    setText(this.#low, load ? '⅛ ×' : weights ? compact(weights.low) : '');
    setText(this.#high, load ? '8 ×' : weights ? compact(weights.high) : '');
    setText(this.#what, load ? 'the even share, log' : 'mean routing weight, log');
    show(this.#tick, load);
  }
}
