/**
 * Whose values the diagram shows: those of the run with what is ablated, or of the clean run. It is said at all times; `C`
 * goes from one to the other, for as long as it is held or, pressed shortly, until it is pressed again.
 */
import type { Part, View } from './context';
import { h, put, setText } from './dom';
import { changedWord, type Look } from './look';

/** Longer than this is held. */
const HELD_MS = 350;

export class ShownRun implements Part {
  readonly element = h('div', { class: 'gb-shown-run' });
  #seg = h('span', { class: 'gb-seg gb-seg-small', role: 'group', 'aria-label': 'Values of' });
  #changed = h('button', { type: 'button', 'data-testid': 'shows-changed' });
  #clean = h('button', { type: 'button', 'data-testid': 'shows-clean' }, 'clean run');
  #words = h('span', { class: 'gb-sub', 'data-testid': 'shown-run' });
  #shows = '';

  constructor(private readonly view: View) {
    const { signal, state } = view;
    this.#seg.append(this.#changed, this.#clean);
    this.element.append(this.#seg, this.#words);
    this.#changed.addEventListener('click', () => state.set({ compare: false }), { signal });
    this.#clean.addEventListener('click', () => state.set({ compare: true }), { signal });
    this.#keys();
  }

  paint(look: Look): void {
    const word = changedWord(look.interventions);
    const only = look.shows === 'only';
    this.element.classList.toggle('gb-vacant', !look.live);
    this.view.root.classList.toggle('gb-shows-clean', look.shows === 'clean');
    setText(this.#changed, `${word} run`);
    for (const [node, shows] of [
      [this.#changed, 'changed'],
      [this.#clean, 'clean'],
    ] as const) {
      node.disabled = only;
      put(node, 'aria-pressed', String(look.shows === shows || (only && shows === 'clean')));
    }
    const says = {
      only: 'nothing is ablated',
      changed: 'C shows the clean run',
      clean: `C shows the ${word} run`,
    };
    setText(this.#words, look.now ? says[look.shows] : 'nothing was run yet');
    if (this.#shows !== '' && this.#shows !== look.shows && look.shows !== 'only')
      this.view.announce(`Showing the ${look.shows === 'clean' ? 'clean' : word} run`);
    this.#shows = look.shows;
  }

  #keys(): void {
    const { root, signal, state, shortcuts, session } = this.view;
    let pressed: { at: number; was: boolean } | null = null;
    shortcuts.bind('compare', ({ repeat }) => {
      if ((session.durable.value.state?.interventions.length ?? 0) === 0) return false;
      if (repeat) return true;
      const was = state.value.compare;
      pressed = { at: performance.now(), was };
      state.set({ compare: !was });
      return true;
    });
    const released = ({ key }: KeyboardEvent) => {
      if (!pressed || key.toLowerCase() !== 'c') return;
      if (performance.now() - pressed.at > HELD_MS) state.set({ compare: pressed.was });
      pressed = null;
    };
    root.addEventListener('keyup', released, { signal });
  }
}
