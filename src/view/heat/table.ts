/** The numbers of tokens x layers as a table, for whoever reads numbers or hears them. It is made when it is opened. */
import { h } from '../dom';
import type { Grid } from './cells';
import { cellWords } from './words';

/** The column says it once. */
const UNIT = /^(cosine|norm) | (of the stream|off the clean run)$/g;

export class HeatTable {
  readonly element = h('details', { class: 'gb-heat-table' }, h('summary', { class: 'gb-sub' }, 'As a table'));
  #box = h('div', {
    class: 'gb-heat-scroll',
    tabindex: 0,
    role: 'region',
    'aria-label': 'Tokens × layers, as a table',
  });
  #shown: Grid | null = null;

  constructor() {
    this.element.append(this.#box);
  }

  /** @param start the place in the sequence of the first column */
  fill(grid: Grid, start: number): void {
    if (!this.element.open || grid === this.#shown) return;
    this.#shown = grid;
    const { rows, columns, names } = grid;
    const head = names.map((name, i) => h('th', { scope: 'col', title: `token ${start + i}` }, name));
    const body = rows.rows.map(({ name }, row) =>
      h(
        'tr',
        {},
        h('th', { scope: 'row' }, name),
        ...columns.map((column) => h('td', {}, cellWords(rows, row, column).replace(UNIT, ''))),
      ),
    );
    this.#box.replaceChildren(
      h(
        'table',
        { class: 'gb-plain-table' },
        h('thead', {}, h('tr', {}, h('td', {}), ...head)),
        h('tbody', {}, ...body),
      ),
    );
  }
}
