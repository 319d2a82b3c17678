/**
 * Two architectures side by side: their diagrams, with what differs in a dashed outline, and every fact in a table. A row
 * of the table looks at its blocks in both diagrams.
 */

import type { Theme } from '../state/local';
import { Session } from '../state/session';
import { StillModel } from '../state/still';
import type { Architecture, Comparison, ComparisonRow } from '../wire/types.generated';
import { mount } from './app';
import type { Pictures } from './context';
import { BRANCHES, countOf, differing, hitsOf, markDiffering, templateOf } from './differing';
import { h, show } from './dom';
import { on } from './events';
import { watchTheme } from './theme';

class Side {
  readonly element = h('div', { class: 'gb-side' });

  constructor(
    private readonly architecture: Architecture,
    private readonly unlike: ReadonlySet<string>,
    signal: AbortSignal,
  ) {
    const session = new Session(new StillModel(architecture), signal);
    mount(session, this.element, signal);
    // The diagram draws itself anew when its width or a card's layer changes.
    const observer = new MutationObserver(() => this.#mark());
    observer.observe(this.element, { subtree: true, childList: true, attributeFilter: ['data-address'] });
    signal.addEventListener('abort', () => observer.disconnect());
    this.#mark();
  }

  #mark(): void {
    markDiffering(this.element, this.architecture, this.unlike);
  }

  look(address: string | null): void {
    let found: SVGElement | null = null;
    for (const hit of hitsOf(this.element)) {
      const here = address !== null && templateOf(this.architecture, hit.dataset.address ?? '') === address;
      hit.classList.toggle('gb-meant', here);
      found ??= here ? hit : null;
    }
    found?.scrollIntoView({ block: 'nearest', behavior: 'auto' });
  }
}

function rowOf(row: ComparisonRow, look: () => void): HTMLTableRowElement {
  const cells = [row.left ?? '–', row.right ?? '–'].map((text) => h('td', {}, text));
  cells.unshift(h('td', {}, h('button', { class: 'gb-plain' }, row.what)));
  const mark = row.same ? '=' : '≠';
  cells.push(h('td', { class: 'gb-unequal', title: row.same ? 'the same' : 'differs' }, mark));
  const element = h('tr', { class: row.same ? 'gb-same' : 'gb-unlike' }, ...cells);
  element.addEventListener('click', look);
  return element;
}

/** What rows are facts of, over them and over all columns. */
function partOf(part: string): HTMLTableRowElement {
  return h('tr', { class: 'gb-part' }, h('th', { colSpan: 4, scope: 'rowgroup' }, part));
}

/** The facts of both in a table: what differs, or all of them. */
class Facts {
  readonly all = h('input', { type: 'checkbox' });
  readonly element: HTMLTableElement;
  #body = h('tbody');

  constructor(
    private readonly of: Comparison,
    private readonly look: (row: ComparisonRow) => void,
    signal: AbortSignal,
  ) {
    const heads = ['fact', of.a.name, of.b.name].map((text) => h('th', { scope: 'col' }, text));
    heads.push(h('th', { scope: 'col' }, h('span', { class: 'gb-unseen' }, 'difference')));
    this.element = h('table', { class: 'gb-facts' }, h('thead', {}, h('tr', {}, ...heads)), this.#body);
    on(this.all, 'change', () => this.#paint(), signal);
    this.#paint();
  }

  #paint(): void {
    const { rows } = this.of;
    const shown = this.all.checked ? rows : rows.filter((row) => !row.same);
    const nodes = shown.flatMap((row, i) => {
      const fact = rowOf(row, () => this.look(row));
      return shown[i - 1]?.part === row.part ? [fact] : [partOf(row.part), fact];
    });
    this.#body.replaceChildren(...nodes);
    show(this.element, shown.length > 0);
  }
}

/** Buttons that save both as one picture. */
function savesOf(save: (as: 'svg' | 'png') => void, signal: AbortSignal): HTMLElement {
  const buttons = (['svg', 'png'] as const).map((as) => {
    const button = h('button', { class: 'gb-save' }, as.toUpperCase());
    on(button, 'click', () => save(as), signal);
    return button;
  });
  return h('span', { class: 'gb-saves', role: 'group', 'aria-label': 'Save picture' }, 'Save as', ...buttons);
}

/** Show a comparison in an element until the signal aborts. */
export function mountComparison(
  comparison: Comparison,
  host: HTMLElement,
  signal: AbortSignal,
  pictures: Pictures | null = null,
): void {
  const left = new Side(comparison.a, differing(comparison, 'a'), signal);
  const right = new Side(comparison.b, differing(comparison, 'b'), signal);
  const look = (row: ComparisonRow) => {
    left.look(row.a);
    right.look(row.b);
  };
  const { all, element: table } = new Facts(comparison, look, signal);
  let theme: Theme = 'light';
  const saves = pictures && savesOf((as) => void pictures.saveComparison(comparison, root, theme, as), signal);
  const count = h('p', { class: 'gb-count', 'aria-live': 'polite' }, countOf(comparison));
  const root = h(
    'div',
    { class: 'gb-comparison' },
    h('div', { class: 'gb-sides' }, left.element, right.element),
    h('div', { class: 'gb-compare-bar' }, count, h('label', { class: 'gb-all' }, all, 'also what is the same'), saves),
    h('div', { class: 'gb-table', tabindex: 0, role: 'region', 'aria-label': 'Facts of both' }, table),
    h('p', { class: 'gb-sub' }, BRANCHES),
  );
  host.append(root);
  watchTheme(root, signal, (now) => {
    theme = now.theme;
  });
  signal.addEventListener('abort', () => root.remove());
}
