/**
 * Two architectures side by side: their diagrams, with what differs in a dashed outline, and every fact in a table. A row
 * of the table looks at its blocks in both diagrams.
 */
import { RecordedModel } from '../state/recorded';
import { Session } from '../state/session';
import type { Architecture, Comparison, ComparisonRow } from '../wire/types.generated';
import { mount } from './app';
import { h, setText, show } from './dom';

const LAYER = /^(?:(.*)\.)?L(\d+)(\..*)?$/;

/** The address of the same block in the first layer of its kind, which is what a row speaks of. */
function templateOf(architecture: Architecture, address: string): string {
  const [, stack = '', index = '', rest = ''] = LAYER.exec(address) ?? [];
  const groups = architecture.stacks.find((one) => one.name === stack)?.groups ?? [];
  const group = groups.find((one) => one.layers.includes(Number(index)));
  return group && index !== '' ? group.template.address + rest : address;
}

class Side {
  readonly element = h('div', { class: 'gb-side' });

  constructor(
    private readonly architecture: Architecture,
    private readonly differing: ReadonlySet<string>,
    signal: AbortSignal,
  ) {
    const session = new Session(new RecordedModel({ architecture, layout: null, recording: null }), signal, {});
    mount(session, this.element, signal);
    // The diagram draws itself anew when its width or a card's layer changes.
    const observer = new MutationObserver(() => this.#mark());
    observer.observe(this.element, { subtree: true, childList: true, attributeFilter: ['data-address'] });
    signal.addEventListener('abort', () => observer.disconnect());
    this.#mark();
  }

  #hits(): SVGGElement[] {
    return [...this.element.querySelectorAll<SVGGElement>('.gb-hit[data-address]')];
  }

  #mark(): void {
    for (const hit of this.#hits()) {
      const address = templateOf(this.architecture, hit.dataset.address ?? '');
      hit.classList.toggle('gb-differs', this.differing.has(address));
    }
  }

  look(address: string | null): void {
    let found: SVGGElement | null = null;
    for (const hit of this.#hits()) {
      const here = address !== null && templateOf(this.architecture, hit.dataset.address ?? '') === address;
      hit.classList.toggle('gb-meant', here);
      found ??= here ? hit : null;
    }
    found?.scrollIntoView({ block: 'nearest', behavior: 'auto' });
  }
}

function rowOf(row: ComparisonRow, part: string, look: () => void): HTMLTableRowElement {
  const cells = [part, row.what, row.left ?? '–', row.right ?? '–'].map((text) => h('td', {}, text));
  cells[1]?.replaceChildren(h('button', { type: 'button', class: 'gb-plain' }, row.what));
  if (!row.same) cells.push(h('td', {}, h('span', { class: 'gb-unequal' }, '≠ differs')));
  else cells.push(h('td', {}, 'same'));
  const element = h('tr', { class: row.same ? 'gb-same' : 'gb-unlike' }, ...cells);
  element.addEventListener('click', look);
  return element;
}

/** Show a comparison in an element until the signal aborts. */
export function mountComparison({ a, b, rows }: Comparison, host: HTMLElement, signal: AbortSignal): void {
  const unlike = rows.filter((row) => !row.same);
  const addresses = (side: 'a' | 'b') => new Set(unlike.flatMap((row) => row[side] ?? []));
  const left = new Side(a, addresses('a'), signal);
  const right = new Side(b, addresses('b'), signal);
  const count = h('p', { class: 'gb-sub', 'aria-live': 'polite' });
  const all = h('input', { type: 'checkbox' });
  const body = h('tbody');
  const paint = () => {
    const shown = all.checked ? rows : unlike;
    body.replaceChildren(
      ...shown.map((row, i) =>
        rowOf(row, shown[i - 1]?.part === row.part ? '' : row.part, () => {
          left.look(row.a);
          right.look(row.b);
        }),
      ),
    );
    setText(count, `${unlike.length} facts differ, ${rows.length - unlike.length} agree. Dashed blocks differ.`);
    show(table, shown.length > 0);
  };
  const heads = ['part', 'fact', a.name, b.name, ''].map((text) => h('th', { scope: 'col' }, text));
  const table = h('table', { class: 'gb-facts' }, h('thead', {}, h('tr', {}, ...heads)), body);
  all.addEventListener('change', paint, { signal });
  const root = h(
    'div',
    { class: 'gb-comparison' },
    h('div', { class: 'gb-sides' }, left.element, right.element),
    count,
    h('label', { class: 'gb-all' }, all, ' also what is the same'),
    h('div', { class: 'gb-table' }, table),
  );
  host.append(root);
  signal.addEventListener('abort', () => root.remove());
  paint();
}
