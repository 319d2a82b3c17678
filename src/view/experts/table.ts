/** The selected layer as a table: what the raster's row and the bars show, for those who read it. Built when opened. */
import { fixed } from '../../layout/format';
import { h, setText } from '../dom';
import { on } from '../events';
import type { Experts } from './model';
import { shareOf, times, weightOf } from './words';

const HEADS = ['Expert', 'Tokens', 'Share', 'Load', 'Mean weight', 'Clean', 'State'] as const;

export class ExpertTable {
  readonly element = h('details', { class: 'gb-ex-table' });
  #summary = h('summary', {});
  #body = h('tbody');
  #caption = h('caption', { class: 'gb-ex-caption' });
  #shown = '';

  constructor(private readonly experts: Experts) {
    const head = h('thead', {}, h('tr', {}, ...HEADS.map((name) => h('th', { scope: 'col' }, name))));
    this.element.append(
      this.#summary,
      h(
        'div',
        { class: 'gb-ex-table-room', tabindex: 0, role: 'group', 'aria-label': 'Table' },
        h('table', { class: 'gb-plain-table' }, this.#caption, head, this.#body),
      ),
    );
    on(this.element, 'toggle', () => this.paint(), experts.view.signal);
  }

  paint(): void {
    const { experts } = this;
    if (experts.mixtures.length === 0) return;
    setText(this.#summary, `${experts.mixture.address} as a table`);
    if (!this.element.open) return;
    const key = `${experts.version} ${experts.mixture.address}`;
    if (key === this.#shown) return;
    this.#shown = key;
    setText(this.#caption, `Experts of ${experts.mixture.address}`);
    const { children } = this.#body;
    while (children.length < experts.mixture.experts) {
      const cells = HEADS.slice(1).map(() => h('td'));
      this.#body.append(h('tr', {}, h('th', { scope: 'row' }), ...cells));
    }
    while (children.length > experts.mixture.experts) this.#body.lastChild?.remove();
    for (let expert = 0; expert < experts.mixture.experts; expert++) this.#row(children[expert] as Element, expert);
  }

  #row(row: Element, expert: number): void {
    const { now, clean, mixture } = this.experts;
    const words = [
      `E${expert}`,
      fixed(now.count(mixture, expert)),
      shareOf(now.share(mixture, expert)),
      times(now.load(mixture, expert)),
      weightOf(now.weight(mixture, expert)),
      clean ? fixed(clean.count(mixture, expert)) : '–',
      this.experts.isCut(mixture, expert) ? 'ablated' : '',
    ];
    words.forEach((text, i) => {
      const cell = row.children[i];
      if (cell) setText(cell, text);
    });
  }
}
