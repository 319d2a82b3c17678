/** The selected cell and its neighbours, five by five, with their numbers. */
import { windowOf } from '../../layout/experts';
import { viridis } from '../colour';
import { h, put, setText } from '../dom';
import { on } from '../events';
import type { Experts } from './model';
import { CELL, COLOURS } from './pixels';
import { layerName, sentenceOf, shareOf, shortName, times, weightOf } from './words';

interface CellNode {
  readonly node: HTMLElement;
  readonly upper: HTMLElement;
  readonly lower: HTMLElement;
}

export class Magnified {
  readonly element = h('div', { class: 'gb-ex-near-grid', role: 'img' });
  #key = '';
  #cells: CellNode[] = [];
  #shown = -1;

  constructor(private readonly experts: Experts) {
    on(this.element, 'click', (event) => this.#clicked(event), experts.view.signal);
  }

  paint(): void {
    const { experts } = this;
    const { spot, mixtures, mixture } = experts;
    const rows = windowOf(spot.mixture, mixtures.length).reverse();
    const columns = windowOf(spot.expert, mixture.experts);
    const key = `${rows} ${columns} ${spot.expert} ${spot.mixture} ${mixture.address}`;
    if (key !== this.#key) this.#build(rows, columns);
    if (key === this.#key && experts.version === this.#shown) return;
    this.#key = key;
    this.#shown = experts.version;
    let at = 0;
    for (const row of rows) for (const column of columns) this.#cell(this.#cells[at++] as CellNode, row, column);
    put(this.element, 'aria-label', `Neighbours of ${sentenceOf(experts, spot)}`);
  }

  #build(rows: readonly number[], columns: readonly number[]): void {
    const { mixtures, spot } = this.experts;
    const mark = (on: boolean) => (on ? 'gb-ex-mine' : '');
    const heads = columns.map((column) => h('span', { class: mark(column === spot.expert) }, `E${column}`));
    this.#cells = [];
    const lines = rows.flatMap((row) => {
      const mixture = mixtures[row];
      const name = mixture ? layerName(mixtures, mixture) : '';
      const label = h('span', { class: `gb-ex-near-row ${mark(row === spot.mixture)}`, title: name }, shortName(name));
      return [label, ...columns.map((column) => this.#node(row, column))];
    });
    this.element.replaceChildren(h('span', {}), ...heads, ...lines);
    this.element.style.gridTemplateColumns = `fit-content(64px) repeat(${columns.length}, minmax(0, 1fr))`;
  }

  #node(row: number, column: number): HTMLElement {
    const { spot } = this.experts;
    const [upper, lower] = [h('b'), h('span')];
    const mine = row === spot.mixture && column === spot.expert;
    const node = h(
      'div',
      { class: `gb-ex-near-cell${mine ? ' gb-selected' : ''}`, 'data-at': `${row} ${column}` },
      upper,
      lower,
    );
    this.#cells.push({ node, upper, lower });
    return node;
  }

  #cell({ node, upper, lower }: CellNode, row: number, column: number): void {
    const { experts } = this;
    const mixture = experts.mixtures[row];
    const there = mixture !== undefined && column < mixture.experts;
    node.style.visibility = there ? '' : 'hidden';
    if (!there) return;
    const what = experts.cells[row * experts.columns + column] ?? CELL.unmeasured;
    const filled = what >= CELL.colour || what === CELL.noToken;
    const paint = filled ? viridis(Math.max(0, what - CELL.colour) / (COLOURS - 1)) : null;
    put(node, 'style', paint ? `background:${paint.fill};color:${paint.ink}` : '');
    node.classList.toggle('gb-cut', what === CELL.ablated);
    node.classList.toggle('gb-ex-unmeasured', what === CELL.unmeasured);
    const none = what === CELL.noToken;
    const weight = experts.view.state.value.experts === 'weight';
    const { now } = experts;
    setText(upper, none ? '×' : what === CELL.unmeasured ? '–' : times(now.load(mixture, column)));
    const share = shareOf(now.share(mixture, column));
    setText(lower, none ? 'none' : weight ? weightOf(now.weight(mixture, column)) : share);
    put(node, 'title', sentenceOf(experts, { mixture: row, expert: column }));
  }

  #clicked(event: MouseEvent): void {
    const at = (event.target as Element).closest<HTMLElement>('[data-at]')?.dataset.at;
    const [mixture, expert] = (at ?? '').split(' ').map(Number);
    if (mixture !== undefined && expert !== undefined && at) this.experts.select({ mixture, expert });
  }
}
