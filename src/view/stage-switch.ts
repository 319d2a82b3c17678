/** Which picture is on the stage. Only those that apply are offered, and nothing where there is no choice. */
import type { Part, View } from './context';
import { h, show } from './dom';
import { on } from './events';
import { mark, roving } from './radio';
import { STAGES, stageOf, stagesOf } from './stages';

export class StageSwitch implements Part {
  readonly element = h('span', {
    class: 'gb-seg gb-stages',
    role: 'radiogroup',
    'aria-label': 'What is shown',
    hidden: true,
  });
  #all: ReadonlyMap<string, HTMLButtonElement>;
  #offered = '';

  constructor(private readonly view: View) {
    this.#all = new Map(
      STAGES.map(({ name, words, about }) => {
        const node = h('button', { role: 'radio', title: about, 'data-stage': name }, words);
        on(node, 'click', () => view.state.set({ stage: name }), view.signal);
        return [name, node];
      }),
    );
    roving(this.element, view.signal, (button) => button.click());
    view.shortcuts.bind('stage', () => this.#next());
  }

  /** Show the next of the stages that apply; nothing to do where there is one. */
  #next(): boolean {
    const names = stagesOf(this.view.session.durable.value).map(({ name }) => name);
    const stage = names[(names.indexOf(stageOf(this.view)) + 1) % names.length];
    if (names.length < 2 || stage === undefined) return false;
    this.view.state.set({ stage });
    return true;
  }

  paint(): void {
    const offered = stagesOf(this.view.session.durable.value).flatMap(({ name }) => this.#all.get(name) ?? []);
    const key = offered.map((node) => node.dataset.stage).join();
    if (key !== this.#offered) {
      this.#offered = key;
      this.element.replaceChildren(...offered);
      show(this.element, offered.length > 1);
    }
    const now = stageOf(this.view);
    mark(
      offered,
      offered.find((node) => node.dataset.stage === now),
    );
  }
}
