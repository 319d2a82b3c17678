/** The tokens that weigh an expert most: bars of their weights. */
import { fixed, weightText } from '../../layout/format';
import { heaviest } from '../../state/routing';
import { visible } from '../candidates';
import { h, setText, show } from '../dom';
import type { Experts } from './model';

const MOST = 4;

export class Weighed {
  readonly element: HTMLElement;
  #rows = Array.from({ length: MOST }, () => {
    const [name, bar, value] = [h('span', { class: 'gb-mono gb-ex-token' }), h('i'), h('span', { class: 'gb-num' })];
    return { node: h('li', {}, name, h('span', { class: 'gb-ex-track' }, bar), value), name, bar, value };
  });
  #none = h('p', { class: 'gb-sub' }, 'No token of this text is sent to it.');
  #shown = '';

  constructor(private readonly experts: Experts) {
    const list = h('ul', { class: 'gb-ex-weighed' }, ...this.#rows.map(({ node }) => node));
    this.element = h('div', {}, h('h2', {}, 'Tokens it weighs most'), list, this.#none);
  }

  paint(): void {
    const { experts } = this;
    const key = `${experts.version} ${experts.address}`;
    if (key === this.#shown) return;
    this.#shown = key;
    const { mixture, spot, stats, column } = experts;
    const found = heaviest(experts.tokens, mixture.row + spot.expert, { stats, column, most: MOST });
    show(this.#none, found.length === 0 && experts.now.counted > 0);
    const high = Math.max(experts.high, found[0]?.weight ?? 0);
    this.#rows.forEach(({ node, name, bar, value }, i) => {
      const one = found[i];
      // They keep their room: what is below does not move while tokens come.
      node.style.visibility = one ? '' : 'hidden';
      node.hidden = found.length === 0;
      if (!one) return;
      setText(name, visible(one.place.text));
      name.title = `${visible(one.place.text)}, token ${fixed(one.place.at)}`;
      bar.style.width = `${(100 * one.weight) / high}%`;
      setText(value, weightText(one.weight));
    });
  }
}
