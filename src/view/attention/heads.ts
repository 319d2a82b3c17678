/** All heads of a block as small patterns, page by page; a click or Enter opens one. */
import { percent } from '../../layout/format';
import { type Habit, habitOf, moved, type Pattern } from '../../state/pattern';
import { sized } from '../canvas';
import type { View } from '../context';
import { h, put, setText, show } from '../dom';
import { on } from '../events';
import { join } from '../join';
import type { Look } from '../look';
import type { Wide } from '../resized';
import { pictureOf } from './cells';
import type { Scale } from './palette';

const GAP = 12;
const LEAST = 84;
const MOST = 104;
const ROWS = 4;
/** Below so much of its weight a head counts as unchanged: what is sent are halves. */
const NOTHING = 5e-4;

export interface Heads {
  /** Address of the block. */
  readonly block: string;
  /** What one is called: `H` of an attention. */
  readonly prefix: string;
  readonly count: number;
  /** How many neighbours share keys and values. */
  readonly shared: number;
  readonly shown: Pattern | null;
  readonly now: Pattern | null;
  readonly clean: Pattern | null;
  readonly differs: boolean;
  readonly scale: Scale;
  /** Whether it is the matrix of a mixer, whose weights have signs and no habits. */
  readonly mixes: boolean;
  /** The address that is selected on the page. */
  readonly selected: string | null;
  /** Which is open. */
  readonly open: number | null;
  readonly room: Wide;
}

interface Head {
  readonly index: number;
  readonly address: string;
  readonly habit: Habit;
  readonly moved: number;
  readonly sign: string | null;
  readonly how: string;
}

export class HeadGrid {
  readonly element = h('div', { class: 'gb-pattern-heads' });
  #grid = h('div', { class: 'gb-pattern-grid', role: 'group' });
  #range = h('span', { class: 'gb-sub' });
  #back = h('button', { class: 'gb-button gb-small-button', 'aria-label': 'Earlier heads' }, '‹');
  #on = h('button', { class: 'gb-button gb-small-button', 'aria-label': 'Later heads' }, '›');
  #pager = h('div', { class: 'gb-pattern-pager' }, this.#back, this.#range, this.#on);
  #page = 0;
  #of = '';
  #heads: Heads | null = null;
  #look: Look | null = null;

  constructor(
    view: View,
    private readonly opened: (head: number) => void,
  ) {
    const { signal } = view;
    this.element.append(this.#pager, this.#grid);
    on(this.#back, 'click', () => this.#turn(-1), signal);
    on(this.#on, 'click', () => this.#turn(1), signal);
    on(this.#grid, 'click', (event) => this.#clicked(event), signal);
  }

  /** The button of a head, to give the focus back to. */
  focus(head: number): void {
    this.#grid.querySelector<HTMLElement>(`[data-head="${head}"]`)?.focus();
  }

  paint(heads: Heads, look: Look): void {
    if (heads.block !== this.#of) this.#page = 0;
    this.#of = heads.block;
    [this.#heads, this.#look] = [heads, look];
    const { width } = heads.room;
    const fit = Math.max(2, Math.floor((width + GAP) / (LEAST + GAP)));
    const columns = Math.min(fit, Math.max(heads.count, 2));
    const each = Math.min(MOST, Math.floor((width + GAP) / columns) - GAP);
    const most = columns * ROWS;
    const pages = Math.ceil(heads.count / most);
    this.#page = Math.max(0, Math.min(this.#page, pages - 1));
    const first = this.#page * most;
    const indices = Array.from({ length: Math.min(most, heads.count - first) }, (_, i) => first + i);
    this.#grid.style.gridTemplateColumns = `repeat(${columns}, ${each}px)`;
    put(this.#grid, 'aria-label', `Heads of ${heads.block}`);
    this.#thumbs(
      indices.map((index) => headOf(heads, look, index)),
      each,
    );
    show(this.#pager, pages > 1);
    setText(this.#range, `${heads.prefix}${first} to ${heads.prefix}${first + indices.length - 1} of ${heads.count}`);
    this.#back.disabled = this.#page === 0;
    this.#on.disabled = this.#page === pages - 1;
  }

  #turn(by: number): void {
    this.#page += by;
    if (this.#heads && this.#look) this.paint(this.#heads, this.#look);
  }

  #clicked(event: Event): void {
    const button = (event.target as Element).closest<HTMLElement>('[data-head]');
    if (button) this.opened(Number(button.dataset.head));
  }

  #thumbs(heads: readonly Head[], size: number): void {
    const of = this.#heads;
    if (!of) return;
    for (const [node, head] of join(this.#grid, 'button', heads, thumb, ({ index }) => index)) {
      paintThumb(node, head, of, size);
    }
  }
}

function thumb(): HTMLButtonElement {
  return h(
    'button',
    { class: 'gb-thumb' },
    h('span', { class: 'gb-thumb-name' }, h('b'), h('span', { class: 'gb-thumb-says' })),
    h('span', { class: 'gb-thumb-box' }, h('canvas'), h('i', { class: 'gb-thumb-badge', 'aria-hidden': 'true' })),
  );
}

function headOf(heads: Heads, look: Look, index: number): Head {
  const address = `${heads.block}.${heads.prefix}${index}`;
  const group = heads.shared > 1 ? look.edits(`${heads.block}.KV${Math.floor(index / heads.shared)}`) : [];
  const edits = [...look.edits(address), ...group];
  const last = look.shows === 'clean' ? undefined : edits.at(-1);
  const { now, clean, shown } = heads;
  return {
    index,
    address,
    habit: shown && !heads.differs && !heads.mixes ? habitOf(shown, index) : null,
    moved: now && clean && now !== clean ? moved(now, clean, index) : 0,
    sign: last ? last.how : null,
    how: edits.map(({ how }) => how).join(', '),
  };
}

/** What stands beside a head's name: what was done to it, how much it moved where that is asked, else what it does. */
function saysOf(head: Head, differs: boolean): string {
  if (head.sign !== null) return 'ablated';
  if (differs) return head.moved > NOTHING ? percent(head.moved, 0) : 'as clean';
  return head.habit ?? '';
}

function paintThumb(node: HTMLButtonElement, head: Head, of: Heads, size: number): void {
  const [name, box] = node.children as unknown as [HTMLElement, HTMLElement];
  const [label, says] = name.children as unknown as [HTMLElement, HTMLElement];
  const [canvas, badge] = box.children as unknown as [HTMLCanvasElement, HTMLElement];
  const changed = head.moved > NOTHING;
  const group = of.shared > 1 ? Math.floor(head.index / of.shared) : null;
  put(node, 'data-head', String(head.index));
  node.classList.toggle('gb-thumb-selected', of.selected === head.address);
  node.classList.toggle('gb-thumb-cut', head.sign !== null);
  node.classList.toggle('gb-thumb-changed', changed && head.sign === null);
  node.classList.toggle('gb-thumb-group', group !== null);
  node.classList.toggle('gb-thumb-first', group !== null && head.index % of.shared === 0);
  node.style.setProperty('--ring', `${(1.2 + 2.2 * Math.min(1, head.moved || 0)).toFixed(2)}px`);
  setText(label, `${of.prefix}${head.index}`);
  const kv = group !== null && head.index % of.shared === 0 ? `KV${group}` : '';
  setText(says, [kv, saysOf(head, of.differs)].filter((word) => word !== '').join(' · '));
  setText(badge, head.sign === null ? '' : (SIGNS[head.sign] ?? '!'));
  show(badge, head.sign !== null);
  put(node, 'aria-label', inWords(head, of, group));
  put(node, 'title', inWords(head, of, group));
  drawThumb(canvas, head.index, of, size);
}

/** The signs of kinds are those of the diagram's badges. */
const SIGNS: Readonly<Record<string, string>> = {
  zero: '0',
  mean: 'μ',
  resample: '↻',
  noise: '~',
  freeze: '❄',
  scale: '×',
  add: '+',
};

function inWords(head: Head, of: Heads, group: number | null): string {
  const parts = [
    `${of.prefix}${head.index}`,
    group === null ? '' : `keys and values of KV${group}`,
    head.how === '' ? '' : `ablated (${head.how}): it still attends, and what it finds is replaced`,
    head.moved > NOTHING ? `${percent(head.moved)} of its weight moved` : '',
    head.habit === null ? '' : HABITS[head.habit],
    'opens the large pattern',
  ];
  return parts.filter((word) => word !== '').join('; ');
}

const HABITS: Readonly<Record<NonNullable<Habit>, string>> = {
  'first token': 'more than half of its weight is on the first token',
  previous: 'more than half of its weight is on the token before',
  itself: 'more than half of its weight is on the token itself',
  diffuse: 'it looks at all tokens nearly alike',
  sink: 'less than half of its weight is on any token',
};

function drawThumb(canvas: HTMLCanvasElement, head: number, { shown, scale, room }: Heads, size: number): void {
  const context = sized(canvas, size, size, room.density);
  if (!context || !shown) return;
  const [rows, columns] = [shown.queries.length, shown.keys.length];
  const grid = { rows, columns, at: (row: number, column: number) => shown.at(head, row, column) };
  const picture = pictureOf(grid, scale, canvas.width);
  if (!picture) return;
  // A few rows of many keys are a band, not a square: cells keep their shape as long as they can be seen.
  const tall = Math.min(size, Math.max(rows * (size / columns), Math.min(size, rows * 3)));
  context.drawImage(picture, 0, 0, size, tall);
}
