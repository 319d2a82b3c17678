/**
 * Several at once. A click ablates; with Shift or Ctrl (Command on a Mac) it chooses, and what is chosen is ablated or
 * restored together, as one step. With Alt it only shows.
 */
import { activate, howOf, type View } from './context';
import { h, setText, show } from './dom';
import { on } from './events';
import type { Look } from './look';

/** What a click means. */
export type Meaning = 'act' | 'choose' | 'look';

export function meaningOf(event: Pick<MouseEvent, 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>): Meaning {
  if (event.altKey) return 'look';
  return event.shiftKey || event.ctrlKey || event.metaKey ? 'choose' : 'act';
}

/** The chosen ones with one more, or without it where it was among them. */
export function toggled(chosen: readonly string[], address: string): readonly string[] {
  return chosen.includes(address) ? chosen.filter((one) => one !== address) : [...chosen, address];
}

/** Choose an address too, or no more. */
export function choose(view: View, address: string): void {
  view.state.set({ chosen: toggled(view.state.value.chosen, address) });
}

/** What is chosen after one more step of a walk with Shift: also what it came to; a step back takes the last one away. */
export function extended(chosen: readonly string[], [from = '', to = '']: readonly string[]): readonly string[] {
  if (chosen.at(-1) === from && chosen.at(-2) === to && to !== '') return chosen.slice(0, -1);
  return [...chosen, ...[from, to].filter((one) => one !== '' && !chosen.includes(one))];
}

/** What an action on an address is about: all that is chosen where it is among them. */
export function targetsOf(view: View, address: string): readonly string[] {
  const { chosen } = view.state.value;
  return chosen.includes(address) ? chosen : [address];
}

/** Ablate what is chosen and not yet ablated; where all of it is, restore it. */
function toggleChosen(view: View, look: Look): void {
  const { chosen } = view.state.value;
  const intact = chosen.filter((one) => look.edits(one).length === 0);
  if (intact.length > 0) view.session.ablate(intact, howOf(view));
  else view.session.restore(chosen);
}

/** A click on something in the diagram, or its key. */
export function meant(view: View, look: Look | null, address: string, act: string, meaning: Meaning): void {
  const { chosen } = view.state.value;
  const ablatable = act === 'ablate' && view.session.durable.value.state !== null;
  if (meaning === 'choose' && ablatable) choose(view, address);
  else if (meaning === 'act' && ablatable && look && chosen.includes(address)) toggleChosen(view, look);
  else {
    if (chosen.length > 0) view.state.set({ chosen: [] });
    activate(view, address, meaning === 'act' ? act : 'select');
  }
}

/**
 * What is chosen, and what can be done with it. It lies over the page and stays in view wherever that is scrolled; what
 * comes and goes there moves nothing.
 */
export class ChosenBar {
  readonly element = h('div', { class: 'gb-chosen-bar', role: 'group', 'aria-label': 'Chosen', hidden: true });
  #count = h('b');
  #names = h('span', { class: 'gb-chosen-names gb-mono' });
  #ablate = h('button', {
    class: 'gb-button gb-small-button gb-primary',
    'data-testid': 'chosen-ablate',
  });
  #restore = h('button', { class: 'gb-button gb-small-button', 'data-testid': 'chosen-restore' }, 'Restore');
  #clear = h('button', { class: 'gb-button gb-small-button' }, 'Clear');
  #look: Look | null = null;
  #said = 0;

  constructor(private readonly view: View) {
    this.element.append(this.#count, this.#names, this.#ablate, this.#restore, this.#clear);
    const { signal } = view;
    on(this.#ablate, 'click', () => this.#act(true), signal);
    on(this.#restore, 'click', () => this.#act(false), signal);
    on(this.#clear, 'click', () => view.state.set({ chosen: [] }), signal);
  }

  paint(look: Look): void {
    this.#look = look;
    const { chosen } = this.view.state.value;
    show(this.element, chosen.length > 0);
    if (chosen.length !== this.#said) {
      this.#said = chosen.length;
      this.view.announce(chosen.length === 0 ? 'Nothing chosen' : `${chosen.length} chosen: ${chosen.join(', ')}`);
    }
    if (chosen.length === 0) return;
    setText(this.#count, `${chosen.length} chosen`);
    setText(this.#names, chosen.join(', '));
    this.#names.title = chosen.join(', ');
    setText(this.#ablate, `Ablate: ${howOf(this.view)}`);
    const there = this.view.session.reachable;
    const ablated = this.#ablated(look).length;
    this.#ablate.disabled = !there || ablated === chosen.length;
    this.#restore.disabled = !there || ablated === 0;
  }

  #ablated(look: Look): string[] {
    return this.view.state.value.chosen.filter((one) => look.edits(one).length > 0);
  }

  #act(ablate: boolean): void {
    const look = this.#look;
    if (!look) return;
    const { chosen } = this.view.state.value;
    const ablated = this.#ablated(look);
    const { session } = this.view;
    if (ablate)
      session.ablate(
        chosen.filter((one) => !ablated.includes(one)),
        howOf(this.view),
      );
    else session.restore(ablated);
  }
}
