/**
 * Whose values the diagram shows: those of the run with what is ablated, or of the clean run. It is said at all times; `C`
 * goes from one to the other, for as long as it is held or, pressed shortly, until it is pressed again.
 */
import type { Part, View } from './context';
import { h, setText } from './dom';
import { on } from './events';
import { changedWord, type Look } from './look';
import { Segments } from './segments';

/** Longer than this is held. */
const HELD_MS = 350;

const OF = [
  { name: 'changed', testid: 'shows-changed' },
  { name: 'clean', words: 'clean run', testid: 'shows-clean' },
] as const;

export class ShownRun implements Part {
  readonly element = h('div', { class: 'gb-shown-run' });
  #seg: Segments<'changed' | 'clean'>;
  #words = h('span', { class: 'gb-sub', 'data-testid': 'shown-run' });
  #shows = '';

  constructor(private readonly view: View) {
    const { signal, state } = view;
    this.#seg = new Segments('Values of', OF, signal, (of) => state.set({ compare: of === 'clean' }));
    this.element.append(this.#seg.element, this.#words);
    this.#keys();
  }

  paint(look: Look): void {
    const word = changedWord(look.interventions);
    const only = look.shows === 'only';
    this.element.classList.toggle('gb-vacant', !look.live);
    this.view.root.classList.toggle('gb-shows-clean', look.shows === 'clean');
    setText(this.#seg.of('changed'), `${word} run`);
    for (const { name } of OF) this.#seg.of(name).disabled = only;
    this.#seg.press(look.shows === 'changed' ? 'changed' : 'clean');
    const says = {
      only: 'nothing is ablated',
      changed: 'C shows the clean run',
      clean: `C shows the ${word} run`,
    };
    setText(this.#words, look.now ? says[look.shows] : this.#without());
    if (this.#shows !== '' && this.#shows !== look.shows && look.shows !== 'only')
      this.view.announce(`Showing the ${look.shows === 'clean' ? 'clean' : word} run`);
    this.#shows = look.shows;
  }

  /** What is said where no value is shown: a saved notebook has what a run predicted, and nothing of its values. */
  #without(): string {
    const { session } = this.view;
    if ((session.durable.value.state?.run ?? null) === null) return 'nothing was run yet';
    return session.reachable ? '' : 'the run’s values were not saved';
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
    on(root, 'keyup', released, signal);
  }
}
