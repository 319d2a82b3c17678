/** All keys on one sheet. It is the browser's own modal dialog, which keeps the focus in it and gives it back. */
import type { Part, View } from './context';
import { h } from './dom';
import { on } from './events';
import { CLOSES, type Offered, type ShortcutName } from './shortcuts';

/** A key and what it does. */
export function keyed({ shown, words }: Pick<Offered, 'shown' | 'words'>): HTMLElement {
  return h('span', { class: 'gb-keyed' }, ...shown.map((name) => h('kbd', {}, name)), ` ${words}`);
}

/** Some keys and what they do, in one line: those of them that mean something now. */
export function keyLine(view: View, names: readonly ShortcutName[]): HTMLElement {
  const keys = view.shortcuts.offered(view).filter(({ name }) => names.includes(name));
  return h('p', { class: 'gb-sub gb-keys' }, ...keys.map((one) => keyed(one)));
}

const HEADS: Readonly<Record<Offered['where'], string>> = {
  diagram: 'On something in the diagram',
  page: 'Anywhere here',
};

export class KeysOverlay implements Part {
  readonly element: HTMLDialogElement;
  #list = h('div', { class: 'gb-keys-lists' });

  constructor(private readonly view: View) {
    const { shortcuts, signal, uid } = view;
    const title = h('h2', { id: `${uid}-keys` }, 'Keys');
    const close = h('button', { class: 'gb-button gb-small-button' }, 'Close');
    const head = h('div', { class: 'gb-section-head' }, title, close);
    this.element = h('dialog', { class: 'gb-keys-overlay', 'aria-labelledby': `${uid}-keys` }, head, this.#list);
    on(close, 'click', () => this.element.close(), signal);
    // A click on the backdrop is one on the dialog itself, not on what is in it.
    const beside = (event: Event) => event.target === this.element && this.element.close();
    on(this.element, 'click', beside, signal);
    shortcuts.bind('help', () => this.open());
    shortcuts.bind('close', () => this.#close(), CLOSES.overlay);
  }

  open(): boolean {
    if (this.element.open) return true;
    this.#fill();
    this.element.showModal();
    return true;
  }

  #close(): boolean {
    const was = this.element.open;
    if (was) this.element.close();
    return was;
  }

  #fill(): void {
    const offered = this.view.shortcuts.offered(this.view);
    const lists = (Object.keys(HEADS) as Offered['where'][]).map((where) => {
      const rows = offered
        .filter((one) => one.where === where)
        .map(({ shown, words }) =>
          h('div', {}, h('dt', {}, ...shown.map((name) => h('kbd', {}, name))), h('dd', {}, words)),
        );
      return rows.length === 0
        ? null
        : h('section', {}, h('h3', {}, HEADS[where]), h('dl', { class: 'gb-keys-list' }, ...rows));
    });
    this.#list.replaceChildren(...lists.filter((list) => list !== null));
  }

  paint(): void {}
}
