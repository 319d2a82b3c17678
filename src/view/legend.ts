/** What the marks mean. Only what is on the picture is explained. */
import { compact } from '../layout/format';
import { GRADIENT } from './colour';
import type { Part, View } from './context';
import { h, s, setText, show } from './dom';
import { badge } from './hit';
import type { Look } from './look';

function item(name: string, ...mark: (Node | string)[]): HTMLElement {
  return h('span', { class: 'gb-key' }, ...mark, h('span', {}, name));
}

function icon(width: number, ...marks: SVGElement[]): SVGSVGElement {
  return s('svg', { width, height: 20, 'aria-hidden': 'true' }, ...marks);
}

const wire = () => s('line', { x1: 0, x2: 30, y1: 10, y2: 10, class: 'gb-legend-wire' });

export class Legend implements Part {
  readonly element = h('div', { class: 'gb-legend' });
  #low = h('span', { class: 'gb-num' });
  #high = h('span', { class: 'gb-num' });
  #weights = h('span', {});
  #experts = h(
    'span',
    { class: 'gb-key' },
    icon(16, s('rect', { x: 1, y: 4, width: 13, height: 12, rx: 3, fill: GRADIENT[7] as string })),
    this.#weights,
    icon(
      16,
      s('rect', { x: 1, y: 4, width: 13, height: 12, rx: 3, fill: GRADIENT[0] as string }),
      s('path', { d: 'M5 7.5 L10 12.5 M10 7.5 L5 12.5', class: 'gb-crosses' }),
    ),
    h('span', {}, 'not chosen by the token'),
  );

  /** The badges of the kinds in force. */
  #kinds = h('span', { class: 'gb-key gb-legend-kinds' });
  #shown = '';

  constructor(view: View) {
    const bar = h('i', { class: 'gb-gradient', style: `background:linear-gradient(90deg,${GRADIENT.join(',')})` });
    const scale = h('span', { class: 'gb-key' }, this.#low, bar, this.#high, h('span', {}, 'output norm, log'));
    const needle = icon(
      20,
      s('path', { d: 'M4,1 A9,9 0 0 1 4,19', class: 'gb-dial' }),
      s('path', { d: 'M8,8 L15,3', class: 'gb-needle' }),
    );
    const changed = icon(
      32,
      s('rect', { x: 4, y: 4, width: 22, height: 12, rx: 3, class: 'gb-legend-body' }),
      s('rect', { x: 1, y: 1, width: 28, height: 18, rx: 5, class: 'gb-legend-ring' }),
    );
    const cut = icon(
      30,
      s('rect', { x: 1, y: 3, width: 27, height: 14, rx: 3, class: 'gb-legend-cut', fill: `url(#${view.uid}-hatch)` }),
    );
    const update = icon(34, s('path', { d: 'M0,9 L24,5 V1 L33,10 L24,19 V15 L0,11 Z', class: 'gb-legend-flow' }));
    const norm = icon(30, wire(), s('rect', { x: 13, y: 3, width: 4, height: 14, rx: 1, class: 'gb-legend-norm' }));
    this.element.append(
      scale,
      item('size of the update', update),
      item('its cosine: up +1, down −1', needle),
      item('off the clean run', changed),
      item('ablated', cut),
      item('norm layer', norm),
      this.#experts,
      this.#kinds,
    );
  }

  paint(look: Look): void {
    show(this.element, look.live);
    setText(this.#low, look.limits ? compact(look.limits.low) : '');
    setText(this.#high, look.limits ? compact(look.limits.high) : '');
    this.#paintKinds(look);
    const { weights } = look;
    show(this.#experts, weights !== null);
    if (weights)
      setText(this.#weights, `expert: routing weight, ${compact(weights.low)} to ${compact(weights.high)}, log`);
  }

  #paintKinds({ interventions }: Look): void {
    const kinds = [...new Set(interventions.map(({ how }) => how))];
    show(this.#kinds, kinds.length > 0);
    if (kinds.join() === this.#shown) return;
    this.#shown = kinds.join();
    this.#kinds.replaceChildren(...kinds.map((how) => item(how, icon(19, badge(how)))));
  }
}
