/** What is ablated, as a table: where, how, at which tokens, and what each does alone where that is known. */
import { effectText } from '../layout/format';
import type { Sweep } from '../state/local';
import type { Intervention, Kind } from '../wire/types.generated';
import { Changes } from './changes';
import { type Part, unfit, type View } from './context';
import { copyButton, pythonOf } from './copying';
import { h, put, setText, show } from './dom';
import { on } from './events';
import { join } from './join';
import { keyLine } from './keys-overlay';
import type { Look } from './look';

const COLUMNS = ['where', 'how', 'alone', 'act'] as const;

/** What the newest sweep measured of one ablation; nothing where it swept another kind or another prompt. */
function alone(sweep: Sweep | null, prompt: string, { address, how, cut }: Intervention): string {
  if (!sweep || sweep.how !== how || sweep.prompt !== prompt || !cut) return '';
  const effect = sweep.rows.find((row) => row.address === address)?.effect ?? null;
  return effect === null ? '' : `${effectText(effect)} ${sweep.unit}`;
}

export class Ablations implements Part {
  readonly element = h('section', { class: 'gb-section gb-ablations' });
  #kl = h('span', { class: 'gb-sub' });
  #body = h('tbody');
  #table: HTMLTableElement;
  #empty = h('div', {});
  #all = h('button', { class: 'gb-word-button', 'data-testid': 'ablations-restore' }, 'Restore all');
  #copy: HTMLButtonElement;
  #look: Look | null = null;
  #changes = new Changes();

  constructor(private readonly view: View) {
    const python = () => pythonOf(this.#look?.interventions.map((one) => one.python) ?? []);
    this.#copy = copyButton(view, 'Copy as Python', 'ablations-copy', python);
    this.#copy.classList.replace('gb-button', 'gb-word-button');
    on(this.#all, 'click', () => view.session.restoreAll(), view.signal);
    const words = { where: 'block', how: 'ablated with', alone: 'alone', act: '' };
    const head = COLUMNS.map((name) =>
      // What stands in the last column says itself; to a screen reader its head says it.
      h(
        'th',
        { scope: 'col', 'data-col': name },
        name === 'act' ? h('span', { class: 'gb-unseen' }, 'restore') : words[name],
      ),
    );
    this.#table = h(
      'table',
      { class: 'gb-plain-table gb-ablated-table', 'data-testid': 'ablated' },
      h('thead', {}, h('tr', {}, ...head)),
      this.#body,
    );
    this.element.append(
      h('div', { class: 'gb-section-head' }, h('h2', {}, 'What is ablated'), this.#kl, this.#copy, this.#all),
      this.#empty,
      h('div', { class: 'gb-ablated-window' }, this.#table),
    );
  }

  paint(look: Look): void {
    this.#look = look;
    const { state } = this.view.session.durable.value;
    show(this.element, state !== null);
    if (!state) return;
    const { interventions } = look;
    const { session } = this.view;
    const { sweep, pending, alert } = session.page.value;
    // What was asked for and what was refused are seen in the choice of a kind.
    const asked = [pending, alert, session.reachable];
    if (!this.#changes.any(interventions, sweep, state.kinds, state.run?.prompt, ...asked)) return;
    const some = interventions.length > 0;
    for (const node of [this.#table, this.#copy]) show(node, some);
    // One has a button of its own.
    show(this.#all, interventions.length > 1);
    show(this.#empty, !some);
    if (!some && this.#empty.childElementCount === 0) this.#begin();
    this.#all.disabled = !this.view.session.reachable;
    setText(this.#kl, interventions.length > 1 ? 'figures are of all together' : '');
    this.#table.classList.toggle('gb-known', this.#paintRows(interventions, state.kinds));
  }

  /** Nothing is ablated: what to do, in the words of the table of keys. */
  #begin(): void {
    const words =
      'Nothing. Click a head, an expert or a block to ablate it: a right click shows other kinds, Shift chooses several.';
    this.#empty.append(h('p', { class: 'gb-empty' }, words), keyLine(this.view, ['move', 'act', 'kinds']));
  }

  /** Returns whether of any of them is known what it does alone. */
  #paintRows(interventions: readonly Intervention[], kinds: readonly Kind[]): boolean {
    const view = this.view;
    const { sweep } = view.session.page.value;
    const prompt = view.session.durable.value.state?.run?.prompt ?? '';
    let known = false;
    for (const [row, one] of join(this.#body, 'tr', interventions, () => rowNodes(view))) {
      put(row, 'data-address', one.address);
      const says = alone(sweep, prompt, one);
      known ||= says !== '';
      paintRow(row, one, kinds, says, view);
    }
    return known;
  }
}

/** What a row is of: rows are used again, so it is asked when something is pressed. */
const addressOf = (row: HTMLElement) => row.dataset.address ?? '';

function rowNodes(view: View): HTMLTableRowElement {
  const { signal } = view;
  const row = h('tr');
  const where = h('button', { class: 'gb-link gb-mono' });
  on(where, 'click', () => view.state.set({ selected: addressOf(row) }), signal);
  const how = h('select', { class: 'gb-choice gb-select-kind' });
  on(how, 'change', () => view.session.change([addressOf(row)], how.value), signal);
  const restore = h('button', { class: 'gb-button gb-small-button' }, 'Restore');
  on(restore, 'click', () => view.session.restore([addressOf(row)]), signal);
  const says = h('div', { class: 'gb-sub gb-says' });
  row.append(
    h('td', { 'data-col': 'where' }, where, says),
    h('td', { 'data-col': 'how' }, how),
    h('td', { 'data-col': 'alone' }),
    h('td', { 'data-col': 'act' }, restore),
  );
  return row;
}

function paintRow(row: HTMLElement, one: Intervention, kinds: readonly Kind[], says: string, view: View): void {
  const node = <E extends Element>(selector: string) => row.querySelector(selector) as E;
  const { address, how, sentence } = one;
  const there = view.session.reachable;
  const where = node<HTMLButtonElement>('.gb-link');
  setText(where, address);
  put(where, 'title', `Show ${address}`);
  setText(node('.gb-says'), sentence);
  put(node('.gb-says'), 'title', one.python);
  setText(node('[data-col="alone"]'), says);
  const restore = node<HTMLButtonElement>('[data-col="act"] button');
  restore.disabled = !there;
  put(restore, 'aria-label', `Restore ${address}`);
  const choice = node<HTMLSelectElement>('select');
  put(choice, 'aria-label', `How ${address} is ablated`);
  choice.disabled = !there;
  offer(choice, one, kinds, view);
  const asked = view.session.page.value.pending.get(address) ?? how;
  if (choice.value !== asked) choice.value = asked;
}

/** The kinds that can take its place; what was done by code and has settings stands there by its name alone. */
function offer(choice: HTMLSelectElement, { address, how }: Intervention, kinds: readonly Kind[], view: View): void {
  const listed = kinds.some(({ name }) => name === how);
  const key = `${address} ${listed ? '' : how} ${kinds.map(({ name }) => name).join()}`;
  if (choice.dataset.key === key) return;
  choice.dataset.key = key;
  const options = kinds.map(({ name, sign }) => {
    const why = unfit(view, address, name);
    return h('option', { value: name, disabled: why !== null, title: why }, `${sign} ${name}`);
  });
  choice.replaceChildren(...(listed ? [] : [h('option', { value: how }, how)]), ...options);
}
