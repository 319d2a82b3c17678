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
import { h, setText, show } from './dom';
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
  cells.unshift(h('td', {}, h('button', { type: 'button', class: 'gb-plain' }, row.what)));
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

/** Show a comparison in an element until the signal aborts. */
export function mountComparison(
  comparison: Comparison,
  host: HTMLElement,
  signal: AbortSignal,
  pictures: Pictures | null = null,
): void {
  const { a, b, rows } = comparison;
  const unlike = rows.filter((row) => !row.same);
  const left = new Side(a, differing(comparison, 'a'), signal);
  const right = new Side(b, differing(comparison, 'b'), signal);
  const count = h('p', { class: 'gb-count', 'aria-live': 'polite' });
  const all = h('input', { type: 'checkbox' });
  const body = h('tbody');
  const paint = () => {
    const shown = all.checked ? rows : unlike;
    body.replaceChildren(
      ...shown.flatMap((row, i) => {
        const fact = rowOf(row, () => {
          left.look(row.a);
          right.look(row.b);
        });
        return shown[i - 1]?.part === row.part ? [fact] : [partOf(row.part), fact];
      }),
    );
    setText(count, countOf(comparison));
    show(table, shown.length > 0);
  };
  const heads = ['fact', a.name, b.name].map((text) => h('th', { scope: 'col' }, text));
  heads.push(h('th', { scope: 'col' }, h('span', { class: 'gb-unseen' }, 'difference')));
  const table = h('table', { class: 'gb-facts' }, h('thead', {}, h('tr', {}, ...heads)), body);
  all.addEventListener('change', paint, { signal });
  const save = (as: 'svg' | 'png') => void pictures?.saveComparison(comparison, root, theme, as);
  const buttons = (['svg', 'png'] as const).map((as) => {
    const button = h('button', { type: 'button', class: 'gb-save' }, as.toUpperCase());
    button.addEventListener('click', () => save(as), { signal });
    return button;
  });
  const saves = h('span', { class: 'gb-saves', role: 'group', 'aria-label': 'Save picture' }, 'Save as', ...buttons);
  const root = h(
    'div',
    { class: 'gb-comparison' },
    h('div', { class: 'gb-sides' }, left.element, right.element),
    h('div', { class: 'gb-compare-bar' }, count, h('label', { class: 'gb-all' }, all, 'also what is the same'), saves),
    h('div', { class: 'gb-table', tabindex: 0, role: 'region', 'aria-label': 'Facts of both' }, table),
    h('p', { class: 'gb-sub' }, BRANCHES),
  );
  show(saves, pictures !== null);
  host.append(root);
  let theme: Theme = 'light';
  watchTheme(root, signal, (now) => {
    theme = now;
  });
  signal.addEventListener('abort', () => root.remove());
  paint();
}
