/** The largest effects as a table: a bar from zero to either side, the number, and the way to the block. */
import { select } from 'd3-selection';
import { largest, limitOf } from '../../state/effects';
import type { Effect } from '../../wire/types.generated';
import { signedColour } from '../colour';
import type { Part, View } from '../context';
import { h, put, setText, show } from '../dom';
import { effectText } from './map';

const COUNT = 15;

type Of = 'all' | 'head' | 'block' | 'expert';
const OF: readonly (readonly [Of, string, RegExp])[] = [
  ['all', 'all', /./],
  ['head', 'heads', /\.H\d+$/],
  ['block', 'blocks', /\.[a-z_]\w*$/],
  ['expert', 'experts', /\.E\d+$/],
];

export class LargestEffects implements Part {
  readonly element = h('section', { class: 'gb-section gb-largest' });
  #seg = h('span', { class: 'gb-seg gb-seg-small', role: 'group', 'aria-label': 'Effects of' });
  #of: Of = 'all';
  #buttons: ReadonlyMap<Of, HTMLButtonElement>;
  #body = h('tbody');
  #unit = h('th', { scope: 'col', 'data-col': 'effect' });
  #table: HTMLTableElement;
  #empty = h('p', { class: 'gb-empty' });
  #painted: readonly unknown[] = [];

  constructor(private readonly view: View) {
    this.#buttons = new Map(
      OF.map(([of, words]) => {
        const node = h('button', { type: 'button' }, words);
        node.addEventListener('click', () => this.#choose(of), { signal: view.signal });
        return [of, node];
      }),
    );
    this.#seg.append(...this.#buttons.values());
    const head = h(
      'tr',
      {},
      h('th', { scope: 'col' }, 'block'),
      h('th', { scope: 'col', class: 'gb-zero' }, '0'),
      this.#unit,
    );
    this.#table = h(
      'table',
      { class: 'gb-plain-table gb-effects', 'data-testid': 'effects' },
      h('thead', {}, head),
      this.#body,
    );
    this.element.append(
      h('div', { class: 'gb-section-head' }, h('h2', {}, 'Largest effects'), this.#seg),
      this.#table,
      this.#empty,
    );
  }

  #choose(of: Of): void {
    this.#of = of;
    this.paint();
  }

  paint(): void {
    const { sweep } = this.view.session.page.value;
    const { selected, theme } = this.view.state.value;
    const key = [sweep, selected, theme, this.#of];
    if (!key.some((value, i) => value !== this.#painted[i]) && this.#painted.length > 0) return;
    this.#painted = key;
    const all = sweep?.rows ?? [];
    for (const [of, node] of this.#buttons) {
      put(node, 'aria-pressed', String(of === this.#of));
      show(node, of === 'all' || all.some(({ address }) => fits(of, address)));
    }
    const rows = largest(
      all.filter(({ address }) => fits(this.#of, address)),
      COUNT,
    );
    show(this.#table, rows.length > 0);
    show(this.#empty, rows.length === 0);
    setText(this.#empty, sweep ? 'Nothing was measured.' : 'Sweep to see which blocks the prediction hangs on.');
    setText(this.#unit, `effect, ${sweep?.unit ?? ''}`);
    this.#rows(rows, limitOf(all), selected);
  }

  #rows(effects: readonly Effect[], limit: number, selected: string | null): void {
    const { view } = this;
    const { theme } = view.state.value;
    select(this.#body)
      .selectAll<HTMLTableRowElement, Effect>('tr')
      .data(effects)
      .join((enter) =>
        enter.append('tr').each(function () {
          const name = h('button', { type: 'button', class: 'gb-link gb-mono' });
          name.addEventListener('click', () => view.state.set({ selected: this.dataset.address ?? null }), {
            signal: view.signal,
          });
          this.append(
            h('td', {}, name),
            h('td', { class: 'gb-effect-bar' }, h('i')),
            h('td', { 'data-col': 'effect' }),
          );
        }),
      )
      .attr('data-address', ({ address }) => address)
      .classed('gb-chosen-row', ({ address }) => address === selected)
      .each(function ({ address, effect }) {
        const value = effect ?? 0;
        const [name, bar, number] = [...this.children] as HTMLElement[];
        setText(name?.firstElementChild as Element, address);
        setText(number as Element, effectText(value));
        if (number) number.dataset.value = String(value);
        const mark = bar?.firstElementChild as HTMLElement;
        const share = Math.min(1, Math.abs(value) / limit) * 50;
        mark.style.left = `${value < 0 ? 50 - share : 50}%`;
        mark.style.width = `${share}%`;
        mark.style.background = signedColour(value / limit, theme).fill;
      });
  }
}

function fits(of: Of, address: string): boolean {
  return OF.find(([name]) => name === of)?.[2].test(address) ?? true;
}
