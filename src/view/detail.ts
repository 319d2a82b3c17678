/** What is known of the selected block: where it is in the model, its facts and how each is known, what was measured. */
import { big, compact, percent } from '../layout/format';
import { describe } from '../layout/kinds';
import { type Located, locate } from '../layout/model';
import type { Layer } from '../wire/types.generated';
import { actionOf, activate, howOf, type Part, unfit, type View } from './context';
import { copyButton } from './copying';
import { h, show } from './dom';
import { on } from './events';
import { factList, rowsOf, sourcesOf } from './facts';
import { InsidePicture } from './inside/picture';
import { jumpTo } from './jump';
import { keyLine } from './keys-overlay';
import { KindPicker } from './kinds';
import type { Look } from './look';

const STATS: readonly (readonly [string, string])[] = [
  ['norm', 'norm'],
  ['mean', 'mean'],
  ['std', 'std'],
  ['absmax', 'largest'],
  ['nonfinite', 'not finite'],
];

function heading(located: Located, address: string): string {
  const { block, layer, sub } = located;
  const what = block ? (describe(block).type[0] ?? '') : (layer?.cls ?? '');
  if (sub.startsWith('H')) return `head of ${address.slice(0, -sub.length - 1)}`;
  if (sub.startsWith('E')) return `expert of ${address.slice(0, -sub.length - 1)}`;
  return what;
}

/** Whether it is something that is ablated: a norm is not. */
function ablatable({ block, layer, sub }: Located): boolean {
  return sub !== '' || (block === null ? layer !== null : block.role !== 'norm');
}

export class Detail implements Part {
  readonly element = h('section', { class: 'gb-section gb-detail', role: 'group', 'aria-label': 'Selected block' });
  #drawn = '';
  #done = h('ul', { class: 'gb-in-force', 'aria-label': 'In force' });
  #measured = h('div', { class: 'gb-measured-list' });
  #action = h('div', { class: 'gb-detail-action' });
  #kinds: KindPicker;
  #inside: InsidePicture;

  constructor(private readonly view: View) {
    this.#kinds = new KindPicker(view);
    this.#inside = new InsidePicture(view);
  }

  paint(look: Look): void {
    const address = this.view.state.value.selected;
    const { architecture } = this.view.session.durable.value;
    const located = address === null ? null : locate(architecture, address);
    const key = located && address ? address : '';
    if (key !== this.#drawn || this.element.childElementCount === 0) {
      this.#drawn = key;
      if (located && address) this.#draw(located, address);
      else this.#hint(look.live);
    }
    if (located && address) this.#values(look, address, located);
    this.#inside.paint();
  }

  /** Nothing is selected: what to do, in the words of the table of keys. */
  #hint(live: boolean): void {
    const { session } = this.view;
    const click = live
      ? 'Nothing is selected. A click with Alt shows what is known of a block, and ablates nothing.'
      : 'Click a block to see what is known of it.';
    const line = keyLine(this.view, live ? ['search', 'help'] : ['move', 'act', 'search', 'help']);
    // A page without a kernel has each single block's ablation, and no layer's.
    const whole = live && session.page.value.connection !== 'recorded';
    const layers = h('p', { class: 'gb-sub' }, 'A layer is ablated from its facts: click its name.');
    this.element.replaceChildren(h('p', { class: 'gb-empty' }, click), line, ...(whole ? [layers] : []));
  }

  #draw(located: Located, address: string): void {
    const { block, layer } = located;
    const path = block?.path || layer?.path || '';
    const cls = block?.cls || (block ? '' : (layer?.cls ?? ''));
    const idle = located.unused ? ['its layer runs for nothing: what the model returns is not made of it'] : [];
    const notes = [...idle, ...(block?.notes ?? [])].map((note) => h('p', { class: 'gb-note-line' }, note));
    const { architecture, state } = this.view.session.durable.value;
    const rows = rowsOf(located, architecture.params.total, state?.dtype);
    this.element.replaceChildren(
      h(
        'div',
        { class: 'gb-section-head' },
        h('h2', { class: 'gb-mono' }, address),
        h('span', { class: 'gb-sub' }, heading(located, address)),
        this.#action,
      ),
      this.#copies(located, address, path, cls),
      this.#kinds.element,
      this.#done,
      this.#measured,
      this.#inside.element,
      factList(rows),
      layer && !block ? this.#blocksOf(layer) : '',
      ...notes,
      rows.length > 0 ? sourcesOf(rows) : '',
    );
    this.#inside.show(located.sub === '' ? block : null);
  }

  /** Where it is in the model and how it is read there, each with a button that copies it. */
  #copies({ block, layer, sub }: Located, address: string, path: string, cls: string): HTMLElement {
    const live = this.view.session.durable.value.state !== null;
    const whole = sub === '' ? address : address.slice(0, -sub.length - 1);
    const tap = `${whole}.${block?.spec?.kind === 'attention' ? 'pattern' : 'out'}`;
    const python = live && layer ? `session.cache("${tap}")` : `diagram.block("${whole}")`;
    const between = path !== '' && cls !== '' ? ' · ' : '';
    const where = h('p', { class: 'gb-path gb-mono' }, h('bdi', {}, path), between, h('bdi', {}, cls));
    const line = (words: HTMLElement, button: HTMLButtonElement | null) => {
      button?.classList.replace('gb-button', 'gb-word-button');
      return h('div', { class: 'gb-copied' }, words, button);
    };
    const copyPath = path === '' ? null : copyButton(this.view, 'Copy path', 'copy-path', () => path);
    const code = h('code', { class: 'gb-path gb-mono' }, python);
    const copyCode = () => copyButton(this.view, 'Copy as Python', 'copy-address', () => python);
    return h('div', { class: 'gb-copies' }, line(where, copyPath), block && line(code, copyCode()));
  }

  /** The blocks of a layer: each goes there. */
  #blocksOf({ blocks, params }: Layer): HTMLElement {
    const rows = blocks.map((block) => {
      const link = h('button', { class: 'gb-link gb-mono' }, block.address);
      on(link, 'click', () => jumpTo(this.view, block.address), this.view.signal);
      const { type, line } = describe(block);
      const share = params > 0 ? `, ${percent(block.params / params)}` : '';
      return h(
        'li',
        {},
        link,
        h('span', {}, type[0] || line[0] || block.cls),
        h('span', {}, `${big(block.params)}${share}`),
      );
    });
    return h('ul', { class: 'gb-blocks-of', 'aria-label': 'Blocks of the layer' }, ...rows);
  }

  #values(look: Look, address: string, located: Located): void {
    const cells = STATS.flatMap(([name, words]) => {
      const value = look.now?.stat(address, name) ?? Number.NaN;
      if (Number.isNaN(value) || (name === 'nonfinite' && value === 0)) return [];
      const clean = look.clean?.stat(address, name) ?? Number.NaN;
      const moved = look.interventions.length > 0 && !Number.isNaN(clean) && compact(clean) !== compact(value);
      return [
        h(
          'span',
          {},
          h('span', { class: 'gb-sub' }, look.isExpert(address) ? 'routing weight' : words),
          h('b', {}, moved ? `${compact(clean)} → ${compact(value)}` : compact(value)),
        ),
      ];
    });
    const unread = this.view.session.durable.value.state?.unread[address];
    if (unread !== undefined) cells.push(h('span', { class: 'gb-sub' }, unread));
    const why = ablatable(located) ? this.#why(look, address) : null;
    if (why !== null) cells.push(h('span', { class: 'gb-sub' }, why));
    const done = look.inForce(address).map(({ sentence }) => sentence);
    if (done.join() !== [...this.#done.children].map((one) => one.textContent).join()) {
      this.#done.replaceChildren(...done.map((sentence) => h('li', {}, sentence)));
    }
    show(this.#done, done.length > 0);
    this.#measured.replaceChildren(...cells);
    show(this.#measured, cells.length > 0);
    this.#button(look, address, located);
    this.#kinds.offer(ablatable(located) ? address : null);
    this.#kinds.paint(look);
  }

  /** Why its button does nothing: a button that is off cannot be asked. */
  #why(look: Look, address: string): string | null {
    const { state } = this.view.session.durable.value;
    if (!state || look.ablated(address)) return null;
    const why = state.unavailable[address];
    return why === undefined ? unfit(this.view, address) : `Cannot be ablated: ${why}`;
  }

  #button(look: Look, address: string, located: Located): void {
    const { state } = this.view.session.durable.value;
    const can = state !== null && ablatable(located);
    const ablated = look.ablated(address);
    const words = ablated ? 'Restore' : `Ablate: ${howOf(this.view)}`;
    const old = this.#action.querySelector('button');
    const label = `${words}|${look.edits(address).map(({ how }) => how)}|${howOf(this.view)}|${can}|${this.view.session.reachable}|${address}|${state?.unavailable[address] ?? ''}`;
    if (old?.dataset.label === label) return;
    this.#action.replaceChildren();
    if (!can) return;
    const not = !ablated && unfit(this.view, address) !== null;
    const disabled = not || !this.view.session.reachable || state.unavailable[address] !== undefined;
    const title = actionOf(this.view, look, address).replace(/^(Click|A click does nothing): /, '');
    const button = h('button', { class: 'gb-button gb-small-button', disabled, title, 'data-label': label }, words);
    button.addEventListener('click', () => activate(this.view, address, 'ablate'));
    this.#action.append(button);
  }
}
