/** The largest effects as a table: a bar from zero to either side, the number, and the way to the block. */
import { effectText } from '../../layout/format';
import { largest, limitOf } from '../../state/effects';
import type { Effect } from '../../wire/types.generated';
import { Changes } from '../changes';
import { signedColour } from '../colour';
import type { Part, View } from '../context';
import { h, put, setText, show } from '../dom';
import { on } from '../events';
import { join } from '../join';
import { Segments } from '../segments';

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
  #seg: Segments<Of>;
  #of: Of = 'all';
  #body = h('tbody');
  #unit = h('th', { scope: 'col', 'data-col': 'effect' });
  #table: HTMLTableElement;
  #empty = h('p', { class: 'gb-empty' });
  #changes = new Changes();

  constructor(private readonly view: View) {
    const segments = OF.map(([name, words]) => ({ name, words }));
    this.#seg = new Segments('Effects of', segments, view.signal, (of) => this.#choose(of));
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
      h('div', { class: 'gb-section-head' }, h('h2', {}, 'Largest effects'), this.#seg.element),
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
    if (!this.#changes.any(sweep, selected, theme, this.#of)) return;
    const all = sweep?.rows ?? [];
    this.#seg.press(this.#of);
    for (const [of] of OF) show(this.#seg.of(of), of === 'all' || all.some(({ address }) => fits(of, address)));
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
    const { theme } = this.view.state.value;
    for (const [row, { address, effect }] of join(this.#body, 'tr', effects, () => this.#row())) {
      put(row, 'data-address', address);
      row.classList.toggle('gb-chosen-row', address === selected);
      paintRow(row, address, effect ?? 0, signedColour((effect ?? 0) / limit, theme).fill, limit);
    }
  }

  #row(): HTMLTableRowElement {
    const { state, signal } = this.view;
    const name = h('button', { class: 'gb-link gb-mono' });
    const bar = h('td', { class: 'gb-effect-bar' }, h('i'));
    const row = h('tr', {}, h('td', {}, name), bar, h('td', { 'data-col': 'effect' }));
    // Rows are used again: what one is of is asked when it is pressed.
    on(name, 'click', () => state.set({ selected: row.dataset.address ?? null }), signal);
    return row;
  }
}

function paintRow(row: HTMLElement, address: string, value: number, colour: string, limit: number): void {
  const [name, bar, number] = [...row.children] as HTMLElement[];
  setText(name?.firstElementChild as Element, address);
  setText(number as Element, effectText(value));
  put(number as Element, 'data-value', value);
  const mark = bar?.firstElementChild as HTMLElement;
  const share = Math.min(1, Math.abs(value) / limit) * 50;
  mark.style.left = `${value < 0 ? 50 - share : 50}%`;
  mark.style.width = `${share}%`;
  mark.style.background = colour;
}

function fits(of: Of, address: string): boolean {
  return OF.find(([name]) => name === of)?.[2].test(address) ?? true;
}
