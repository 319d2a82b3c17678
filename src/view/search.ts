/**
 * The search box: a combobox whose list opens while one types. Enter goes to a result; the box is then empty again. What
 * names a kind marks all its layers, for as long as it stands in the box.
 */
import { type Found, type Search, search } from '../layout/search';
import type { View } from './context';
import { h, put, setText, show, s as svg } from './dom';
import { on } from './events';
import { jumpTo } from './jump';
import { CLOSES } from './shortcuts';

/** Told once typing has paused this long: a screen reader would be cut off at each letter. */
const TOLD_MS = 400;

function optionOf({ name, about, where, path }: Found, id: string): HTMLElement {
  return h(
    'li',
    { id, role: 'option', 'aria-selected': 'false' },
    h('b', { class: 'gb-mono' }, h('bdi', {}, name)),
    h('span', {}, h('bdi', {}, about)),
    where === '' ? h('span', { class: 'gb-mono gb-sub' }, h('bdi', {}, path)) : h('span', { class: 'gb-sub' }, where),
  );
}

function glass(): SVGSVGElement {
  return svg(
    'svg',
    { width: 14, height: 14, class: 'gb-icon', 'aria-hidden': 'true' },
    svg('circle', { cx: 6, cy: 6, r: 4.2 }),
    svg('path', { d: 'M9.2,9.2 L12.6,12.6' }),
  );
}

export class SearchBox {
  readonly element: HTMLElement;
  #input: HTMLInputElement;
  #popup: HTMLElement;
  #said = h('div', { class: 'gb-search-said' });
  #list: HTMLUListElement;
  #result: Search = { found: [], marks: null, why: '' };
  #at = 0;
  #open = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly view: View) {
    const { uid, shortcuts } = view;
    this.#list = h('ul', { id: `${uid}-found`, role: 'listbox', 'aria-label': 'Found' });
    this.#popup = h('div', { class: 'gb-search-popup', hidden: true }, this.#said, this.#list);
    this.#input = h('input', {
      type: 'text',
      class: 'gb-field gb-search-input',
      role: 'combobox',
      'aria-label': 'Search blocks',
      'aria-expanded': 'false',
      'aria-controls': `${uid}-found`,
      'aria-autocomplete': 'list',
      'data-testid': 'search',
      placeholder: 'Search',
      spellcheck: 'false',
      autocomplete: 'off',
    });
    const key = h('kbd', { 'aria-hidden': 'true' }, '/');
    this.element = h('div', { class: 'gb-search' }, glass(), this.#input, key, this.#popup);
    this.#listen();
    shortcuts.bind('search', () => {
      this.#input.focus();
      this.#input.select();
      return true;
    });
    shortcuts.bind('close', () => this.#clear(), CLOSES.menu);
    view.signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  #listen(): void {
    const { signal } = this.view;
    on(this.#input, 'input', () => this.#typed(), signal);
    on(this.#input, 'keydown', (event) => this.#keyed(event), signal);
    on(this.#input, 'focus', () => this.#input.value !== '' && this.#typed(), signal);
    on(this.#input, 'blur', () => this.#shut(), signal);
    // The focus stays in the box while the list is pressed.
    on(this.#popup, 'pointerdown', (event) => event.preventDefault(), signal);
    const chosen = (event: MouseEvent) => {
      const option = (event.target as Element).closest('[role=option]');
      if (option) this.#go([...this.#list.children].indexOf(option));
    };
    on(this.#list, 'click', chosen, signal);
  }

  #typed(): void {
    const query = this.#input.value;
    this.view.state.set({ query });
    this.#result = search(this.view.session.durable.value.architecture, query);
    const { found, marks, why } = this.#result;
    this.#list.replaceChildren(...found.map((one, i) => optionOf(one, `${this.view.uid}-found-${i}`)));
    const layers = marks && marks.layers > 0 ? `${marks.layers} of ${marks.of} layers` : '';
    setText(
      this.#said,
      why || [layers, layers === '' ? '' : (marks?.where ?? '')].filter((one) => one !== '').join(': '),
    );
    show(this.#said, this.#said.textContent !== '');
    show(this.#list, found.length > 0);
    this.#openIf(query.trim() !== '');
    this.#point(0);
    clearTimeout(this.#timer);
    const count = `${found.length} ${found.length === 1 ? 'result' : 'results'}`;
    const told = () =>
      this.view.announce(why || [count, this.#said.textContent].filter((one) => one !== '').join(', '));
    if (query.trim() !== '') this.#timer = setTimeout(told, TOLD_MS);
  }

  #openIf(open: boolean): void {
    this.#open = open;
    show(this.#popup, open);
    put(this.#input, 'aria-expanded', String(open && this.#result.found.length > 0));
  }

  /** The result that Enter would go to. */
  #point(at: number): void {
    const options = [...this.#list.children];
    this.#at = Math.max(0, Math.min(options.length - 1, at));
    options.forEach((option, i) => {
      put(option, 'aria-selected', String(i === this.#at));
    });
    const chosen = this.#open ? options[this.#at] : undefined;
    if (chosen) put(this.#input, 'aria-activedescendant', chosen.id);
    else this.#input.removeAttribute('aria-activedescendant');
    chosen?.scrollIntoView?.({ block: 'nearest' });
  }

  /** Keys of the box. What is typed leaves the view no more than any key does (`shortcuts.ts`). */
  #keyed(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const step = steps[event.key];
    if (step !== undefined) {
      if (this.#open) this.#point(this.#at + step);
      else this.#typed();
    } else if (event.key === 'Enter') this.#go(this.#at);
    else if (event.key === 'Escape') this.#escaped();
    else return;
    event.preventDefault();
  }

  /** First the list goes, then the words, then the focus. */
  #escaped(): void {
    if (this.#open) this.#shut();
    else if (!this.#clear()) this.#input.blur();
  }

  #shut(): void {
    clearTimeout(this.#timer);
    this.#openIf(false);
    this.#point(0);
  }

  #clear(): boolean {
    const was = this.#input.value !== '';
    this.#input.value = '';
    this.view.state.set({ query: '' });
    return was;
  }

  #go(at: number): void {
    const one = this.#result.found[at];
    if (!one || this.#input.value.trim() === '') return;
    const kept = this.#result.marks !== null;
    this.#shut();
    if (!kept) this.#clear();
    jumpTo(this.view, one.address);
    this.view.announce(`${one.name}, ${one.about}`);
  }
}
