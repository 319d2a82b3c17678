/**
 * A button that opens a menu, as the ARIA practices describe it: the arrow keys go through its items and around, Home and
 * End to the first and the last, a letter to the next item that begins with it, Escape and Tab close it.
 */
import { focusAround, h, setText } from './dom';
import { on, take } from './events';

export interface MenuItem {
  readonly name: string;
  /** What it does, in a smaller line under its name. */
  readonly hint?: string;
  choose(): void;
}

export class Menu {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  #name = h('span');
  #list: HTMLElement;
  #items: HTMLButtonElement[] = [];

  constructor(
    id: string,
    name: string,
    private readonly itemsOf: () => readonly MenuItem[],
    signal: AbortSignal,
  ) {
    this.button = h(
      'button',
      { class: 'gb-button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-controls': id },
      this.#name,
      h('span', { class: 'gb-menu-mark', 'aria-hidden': 'true' }, '▾'),
    );
    this.name(name);
    this.#list = h('div', { class: 'gb-menu', role: 'menu', id, 'aria-label': name, hidden: true });
    this.element = h('div', { class: 'gb-menu-place' }, this.button, this.#list);
    on(this.button, 'click', () => (this.#list.hidden ? this.open(0) : this.close()), signal);
    on(this.element, 'keydown', (event) => this.#keyed(event), signal);
    on(this.element, 'focusout', (event) => this.#left(event), signal);
  }

  /** What stands on the button. */
  name(text: string): void {
    setText(this.#name, text);
  }

  open(at: number): void {
    const items = this.itemsOf();
    this.#items = items.map((item) => {
      const hint = item.hint === undefined ? [] : [h('small', {}, item.hint)];
      const node = h('button', { role: 'menuitem', tabindex: -1 }, h('span', {}, item.name), ...hint);
      node.addEventListener('click', () => {
        this.close();
        item.choose();
      });
      return node;
    });
    this.#list.replaceChildren(...this.#items);
    this.#list.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this.#items.at(at)?.focus();
  }

  close(): void {
    const inside = this.#list.contains(focusAround(this.#list));
    this.#list.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
    if (inside) this.button.focus();
  }

  #left({ relatedTarget }: FocusEvent): void {
    if (!this.#list.hidden && !this.element.contains(relatedTarget as Node | null)) this.close();
  }

  #keyed(event: KeyboardEvent): void {
    if (!this.#handled(event.key)) return;
    take(event);
  }

  #handled(key: string): boolean {
    if (this.#list.hidden) {
      if (key !== 'ArrowDown' && key !== 'ArrowUp') return false;
      this.open(key === 'ArrowDown' ? 0 : -1);
      return true;
    }
    const at = this.#items.indexOf(focusAround(this.#list) as HTMLButtonElement);
    const count = this.#items.length;
    const to: Readonly<Record<string, number>> = {
      ArrowDown: (at + 1) % count,
      ArrowUp: (at - 1 + count) % count,
      Home: 0,
      End: count - 1,
    };
    if (key === 'Escape' || key === 'Tab') {
      this.close();
      return key === 'Escape';
    }
    const next = to[key] ?? (/^\p{L}$/u.test(key) ? this.#startingWith(key, at) : undefined);
    if (next === undefined) return false;
    this.#items[next]?.focus();
    return true;
  }

  /** The next item after one that begins with a letter. */
  #startingWith(letter: string, at: number): number | undefined {
    const count = this.#items.length;
    const order = this.#items.map((_, i) => (at + 1 + i) % count);
    return order.find((i) => this.#items[i]?.textContent?.toLowerCase().startsWith(letter.toLowerCase()));
  }
}
