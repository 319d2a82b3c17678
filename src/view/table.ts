/**
 * The diagram as a table: the same blocks with the same values, for who reads tables, and for who wants to sort them.
 * Its order changes when one asks for it, never while values stream.
 */
import { big, compact, fixed, percent } from '../layout/format';
import { type TableRow, tableOf } from '../layout/table';
import type { Architecture } from '../wire/types.generated';
import { activate, type Part, type View } from './context';
import { h, put, setText, show } from './dom';
import { on } from './events';
import { describeState } from './hit';
import type { Look } from './look';

type Column = 'layer' | 'block' | 'kind' | 'shape' | 'params' | 'norm' | 'update' | 'state';

interface Head {
  readonly words: string;
  /** What is sorted by. */
  readonly by: (row: TableRow, look: Look) => number | string;
  readonly live?: boolean;
}

const HEADS: Readonly<Record<Column, Head>> = {
  layer: { words: 'Layer', by: (row) => row.index },
  block: { words: 'Block', by: (row) => row.block },
  kind: { words: 'Kind', by: (row) => row.kind },
  shape: { words: 'Shape', by: (row) => row.shape },
  params: { words: 'Parameters', by: (row) => row.params ?? 0 },
  norm: { words: 'Norm', by: (row, look) => look.norm(row.address) || 0, live: true },
  update: { words: 'Update', by: (row, look) => look.update(row.address)?.ratio ?? -1, live: true },
  state: { words: 'Ablated', by: (row, look) => (look.ablated(row.address) === null ? 0 : 1), live: true },
};
const COLUMNS = Object.keys(HEADS) as Column[];
/** These go from large to small at the first click. */
const NUMBERS = new Set<Column>(['params', 'norm', 'update', 'state']);

interface Line {
  readonly row: TableRow;
  readonly element: HTMLTableRowElement;
  readonly cells: Readonly<Record<Column, HTMLElement>>;
}

export class Table implements Part {
  readonly element: HTMLElement;
  readonly toggle = h('button', { class: 'gb-button gb-small-button', 'data-testid': 'table' });
  #filter: HTMLInputElement;
  #said = h('span', { class: 'gb-sub', role: 'status' });
  #table = h('table', { class: 'gb-plain-table gb-blocks-table', 'aria-label': 'Blocks of the model' });
  #heads = new Map<Column, HTMLTableCellElement>();
  #body = h('tbody');
  #lines: Line[] = [];
  #of: Architecture | null = null;
  #sort: { column: Column; down: boolean } | null = null;
  #look: Look | null = null;
  #live: boolean | null = null;

  constructor(private readonly view: View) {
    const { signal, shortcuts, state } = view;
    const about = {
      type: 'text',
      class: 'gb-field gb-search-input',
      'aria-label': 'Filter the table',
      placeholder: 'Filter',
    };
    this.#filter = h('input', { ...about, spellcheck: 'false', autocomplete: 'off' });
    const turn = () => state.set({ table: !state.value.table });
    const tools = h('div', { class: 'gb-table-tools' }, this.#filter, this.#said);
    this.#table.append(this.#headRow(), this.#body);
    const scroll = h(
      'div',
      { class: 'gb-table-scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of blocks' },
      this.#table,
    );
    this.element = h('section', { class: 'gb-section gb-table', hidden: true }, tools, scroll);
    on(this.toggle, 'click', turn, signal);
    on(this.#filter, 'input', () => this.#arrange(), signal);
    shortcuts.bind('table', () => {
      turn();
      return true;
    });
  }

  #headRow(): HTMLElement {
    const cells = COLUMNS.map((column) => {
      const button = h('button', { class: 'gb-sort' }, HEADS[column].words);
      on(button, 'click', () => this.#sorted(column), this.view.signal);
      const head = h('th', { scope: 'col', 'data-col': column }, button);
      this.#heads.set(column, head);
      return head;
    });
    return h('thead', {}, h('tr', {}, ...cells));
  }

  paint(look: Look): void {
    this.#look = look;
    const { table } = this.view.state.value;
    this.view.root.classList.toggle('gb-as-table', table);
    show(this.element, table);
    setText(this.toggle, table ? 'Show as diagram' : 'Show as table');
    if (!table) return;
    const { architecture } = this.view.session.durable.value;
    if (architecture !== this.#of || look.live !== this.#live) this.#fill(architecture, look.live);
    for (const line of this.#lines) if (!line.element.hidden) this.#values(line, look);
  }

  #fill(architecture: Architecture, live: boolean): void {
    this.#of = architecture;
    this.#live = live;
    const { rows } = tableOf(architecture);
    this.#lines = rows.map((row) => this.#line(row));
    this.#table.classList.toggle('gb-live-table', live);
    for (const column of COLUMNS) {
      const head = this.#heads.get(column);
      if (head && HEADS[column].live) show(head, live);
    }
    this.#arrange();
  }

  #line(row: TableRow): Line {
    const link = h('button', { class: 'gb-link gb-mono', 'aria-label': row.address }, h('bdi', {}, row.block));
    on(link, 'click', () => activate(this.view, row.address, 'select'), this.view.signal);
    const words: Partial<Record<Column, string>> = {
      layer: row.layers > 1 ? `${row.layer} and ${fixed(row.layers - 1)} alike` : row.layer,
      kind: row.kind,
      shape: row.shape,
      params: row.params === null ? '' : big(row.params),
    };
    const cells = Object.fromEntries(
      COLUMNS.map((column) => {
        const tag = column === 'block' ? 'th' : 'td';
        const cell = h(tag, { 'data-col': column, scope: tag === 'th' ? 'row' : null }, words[column] ?? '');
        if (column === 'block') cell.append(link);
        if (HEADS[column].live) show(cell, this.#live === true);
        return [column, cell];
      }),
    ) as unknown as Record<Column, HTMLElement>;
    if (row.params !== null) cells.params.title = fixed(row.params);
    cells.kind.title = row.kind;
    cells.shape.title = row.shape;
    const element = h('tr', { 'data-row': row.address }, ...COLUMNS.map((column) => cells[column]));
    return { row, element, cells };
  }

  #values({ row, element, cells }: Line, look: Look): void {
    put(element, 'class', this.view.state.value.selected === row.address ? 'gb-chosen-row' : '');
    if (!look.live) return;
    const update = look.update(row.address);
    setText(cells.norm, compact(look.norm(row.address)));
    setText(cells.update, update ? percent(update.ratio, 0) : '');
    const words = describeState(look, row.address).split(', ');
    setText(cells.state, words.filter((one) => /^(ablated|edited)/.test(one)).join(', '));
  }

  #sorted(column: Column): void {
    const first = NUMBERS.has(column);
    const now = this.#sort?.column === column ? this.#sort.down : null;
    this.#sort = now === null ? { column, down: first } : now === first ? { column, down: !first } : null;
    this.#arrange();
    const order = this.#sort ? `sorted by ${HEADS[column].words}` : 'in the order of the model';
    this.view.announce(`${order}, ${this.#said.textContent ?? ''}`);
  }

  /** Put the rows in order and hide those that the filter leaves out. */
  #arrange(): void {
    const look = this.#look;
    if (!look) return;
    const words = this.#filter.value.trim().toLowerCase().split(/\s+/);
    const has = ({ row }: Line) => {
      const text = `${row.address} ${row.layer} ${row.kind} ${row.shape}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    let shown = 0;
    for (const line of this.#lines) {
      const there = has(line);
      show(line.element, there);
      shown += there ? 1 : 0;
    }
    this.#body.replaceChildren(...this.#inOrder(look).map(({ element }) => element));
    for (const [column, head] of this.#heads) {
      const by = this.#sort?.column === column ? (this.#sort.down ? 'descending' : 'ascending') : 'none';
      put(head, 'aria-sort', by);
    }
    const all = this.#lines.length;
    setText(this.#said, shown === all ? `${fixed(all)} rows` : `${fixed(shown)} of ${fixed(all)} rows`);
    for (const line of this.#lines) if (!line.element.hidden) this.#values(line, look);
  }

  #inOrder(look: Look): Line[] {
    if (!this.#sort) return this.#lines;
    const { column, down } = this.#sort;
    const key = new Map(this.#lines.map((line) => [line, HEADS[column].by(line.row, look)]));
    const compare = (a: number | string, b: number | string) =>
      typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
    return [...this.#lines].sort((a, b) => (down ? -1 : 1) * compare(key.get(a) ?? 0, key.get(b) ?? 0));
  }
}
