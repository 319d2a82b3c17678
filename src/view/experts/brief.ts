/** Beside the diagram: of a selected mixture or expert, the layer's shares and the tokens that the expert weighs most. */
import { fixed } from '../../layout/format';
import { spotOf } from '../../state/routing';
import type { Part } from '../context';
import { h, setText, show } from '../dom';
import { on } from '../events';
import type { Look } from '../look';
import { densityOf } from '../magnify';
import { Bars } from './bars';
import type { Experts } from './model';
import { Weighed } from './weighed';
import { evenOf, overWhich, times } from './words';

const TALL = 64;

export class ExpertsBrief implements Part {
  readonly element = h('section', { class: 'gb-section gb-ex-brief', 'aria-label': 'Experts of the selected block' });
  #bars: Bars;
  #weighed: Weighed;
  #words = h('p', { class: 'gb-sub' });
  #over = h('p', { class: 'gb-sub' });
  #width = 0;
  #laid = 0;

  constructor(private readonly experts: Experts) {
    this.#bars = new Bars(experts);
    this.#weighed = new Weighed(experts);
    const more = h('button', { class: 'gb-button gb-small-button' }, 'All layers');
    const { signal, state } = experts.view;
    on(more, 'click', () => state.set({ stage: 'experts' }), signal);
    const head = h(
      'div',
      { class: 'gb-section-head' },
      h('h2', {}, 'Experts'),
      h('span', { class: 'gb-sub' }, 'share of the tokens'),
      more,
    );
    this.element.append(head, this.#over, this.#bars.element, this.#words, this.#weighed.element);
  }

  paint(look: Look): void {
    const { experts } = this;
    const { selected, width } = experts.view.state.value;
    const named = experts.names(selected);
    if (!named) experts.rest();
    const there = named && experts.read(look) && experts.now.counted > 0;
    show(this.element, there);
    if (this.element.hidden) return;
    if (this.#laid !== width) [this.#laid, this.#width] = [width, this.element.clientWidth || 300];
    const density = densityOf(this.element);
    const { mixture, now } = experts;
    const cellWidth = Math.min(48, this.#width / mixture.experts) * density;
    const gap = cellWidth >= 4 * density ? Math.round(density) : 0;
    const grid = { cellWidth, gap, width: Math.round(cellWidth * mixture.experts) };
    this.#bars.paint({ grid, density, tall: TALL, marked: true });
    const busiest = now.busiest(mixture);
    const load =
      busiest < 0 ? 'no token came' : `busiest E${busiest}, ${times(now.load(mixture, busiest))} the even share`;
    const most = fixed(Math.log2(mixture.experts), 1);
    const even = `dashed: even share, ${evenOf(now.even(mixture))}`;
    setText(this.#words, `Entropy ${fixed(now.entropy(mixture), 2)} of at most ${most} bits; ${load}; ${even}.`);
    setText(this.#over, overWhich(experts));
    show(this.#weighed.element, spotOf(experts.mixtures, selected)?.expert !== -1);
    this.#weighed.paint();
  }
}
