/** What the marks mean. Only what is on the picture is explained. */
import { compact } from '../layout/format';
import { GRADIENT, viridis } from './colour';
import { howOf, type Part, type View } from './context';
import { h, s, setText, show } from './dom';
import { on } from './events';
import { badge } from './hit';
import type { Look } from './look';
import { updateWidth } from './wires';

const RESCALE =
  'Scales stay as they are while a text runs, so that colours can be compared: make them anew for what is shown';

function item(name: string, ...mark: (Node | string)[]): HTMLElement {
  return h('span', { class: 'gb-key' }, ...mark, h('span', {}, name));
}

function icon(width: number, ...marks: SVGElement[]): SVGSVGElement {
  return s('svg', { width, height: 20, 'aria-hidden': 'true' }, ...marks);
}

const wire = () => s('line', { x1: 0, x2: 30, y1: 10, y2: 10, class: 'gb-legend-wire' });

/** A wire of an update of some size, as wide as the diagram draws it. */
function flow(ratio: number): SVGSVGElement {
  const half = updateWidth(ratio) / 2;
  const d = `M0,${11 - half} H14 V${7 - half} L24,11 L14,${15 + half} V${11 + half} H0 Z`;
  return s('svg', { width: 24, height: 22, 'aria-hidden': 'true' }, s('path', { d, class: 'gb-legend-flow' }));
}

/** The corner that says that a value is beyond the scale. */
function beyondMark(over: 1 | -1, share: number): SVGSVGElement {
  const at = over > 0 ? 4 : 16;
  return icon(
    14,
    s('rect', { x: 0, y: 4, width: 13, height: 12, rx: 2, fill: viridis(share).fill }),
    s('path', { d: `M7,${at} h6 v${over * 6} Z`, fill: viridis(share).ink }),
  );
}

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

  #rescale = h('button', { class: 'gb-word-button', title: RESCALE, 'data-testid': 'rescale' }, 'Rescale');
  /** The badges of the kinds in force. */
  #kinds = h('span', { class: 'gb-key gb-legend-kinds' });
  #shown = '';

  constructor(private readonly view: View) {
    const bar = h('i', { class: 'gb-gradient', style: `background:linear-gradient(90deg,${GRADIENT.join(',')})` });
    const beyond = h('span', { class: 'gb-key' }, beyondMark(-1, 0), beyondMark(1, 1), 'beyond the scale');
    const scale = h('span', { class: 'gb-key' }, this.#low, bar, this.#high, 'output norm, log', this.#rescale);
    const again = () => view.state.set({ rescaled: view.state.value.rescaled + 1 });
    on(this.#rescale, 'click', again, view.signal);
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
    const norm = icon(30, wire(), s('rect', { x: 13, y: 3, width: 4, height: 14, rx: 1, class: 'gb-legend-norm' }));
    this.element.append(
      scale,
      beyond,
      h('span', { class: 'gb-key' }, flow(0.1), '10 %', flow(1), '100 % of the stream: size of the update'),
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
    const inForce = [...new Set(interventions.map(({ how }) => how))];
    // It keeps the room of one: the next, until there is one.
    this.#kinds.style.visibility = inForce.length > 0 ? '' : 'hidden';
    const kinds = inForce.length > 0 ? inForce : [howOf(this.view)];
    if (kinds.join() === this.#shown) return;
    this.#shown = kinds.join();
    this.#kinds.replaceChildren(...kinds.map((how) => item(how, icon(19, badge(how)))));
  }
}
