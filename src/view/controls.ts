/** The run bar: the prompt and what can be done with it, and what a click puts in a block's place. */
import type { Kind, SessionState, Suggestion } from '../wire/types.generated';
import { howOf, type Part, type View } from './context';
import { h, s, setText, show } from './dom';
import { on } from './events';
import type { Look } from './look';
import { mark, roving } from './radio';

const play = () =>
  s(
    'svg',
    { width: 10, height: 10, 'aria-hidden': 'true' },
    s('path', { d: 'M2 1 L9 5 L2 9 Z', fill: 'currentColor' }),
  );

function button(name: string, testid: string, ...content: (Node | string)[]): HTMLButtonElement {
  return h('button', { class: 'gb-button', 'aria-label': name, 'data-testid': testid }, ...content);
}

export class Controls implements Part {
  readonly element: HTMLFormElement;
  #list: HTMLDataListElement;
  #prompt: HTMLInputElement;
  #run = h('button', { type: 'submit', class: 'gb-button gb-primary', 'data-testid': 'run' }, play(), 'Run');
  #generate = button('Generate', 'generate', 'Generate');
  #stop = button('Stop', 'stop', 'Stop');
  #hows: HTMLButtonElement[] = [];
  #seg = h('span', { class: 'gb-seg', role: 'radiogroup', 'aria-label': 'Ablate with' });
  #examples = h('div', { class: 'gb-examples', role: 'group', 'aria-label': 'Example prompts' });
  #suggested = '';
  /** What the session's prompt was when it was last copied into the box: a person's own text stays. */
  #copied: string | null = null;

  constructor(
    private readonly view: View,
    timeline: Element,
  ) {
    const list = `${view.uid}-suggestions`;
    this.#list = h('datalist', { id: list });
    this.#prompt = h('input', {
      type: 'text',
      class: 'gb-field gb-prompt',
      'data-testid': 'prompt',
      'aria-label': 'Prompt',
      placeholder: 'A prompt for the model',
      spellcheck: 'false',
      autocomplete: 'off',
      list,
    });
    const ablate = h('span', { class: 'gb-ablate-with' }, h('span', { class: 'gb-sub' }, 'Ablate with'), this.#seg);
    const row = h(
      'div',
      { class: 'gb-runbar' },
      this.#prompt,
      this.#list,
      this.#run,
      this.#generate,
      this.#stop,
      timeline,
      ablate,
      this.#examples,
    );
    this.element = h('form', { class: 'gb-controls', autocomplete: 'off' }, row);
    this.#listen();
  }

  #listen(): void {
    const { session, signal } = this.view;
    const submit = (event: Event) => {
      event.preventDefault();
      if (!this.#run.disabled) session.run(this.#prompt.value);
    };
    on(this.element, 'submit', submit, signal);
    on(this.#generate, 'click', () => session.generate(this.#prompt.value), signal);
    on(this.#stop, 'click', () => session.stop(), signal);
    roving(this.#seg, signal, (button) => this.#take(button));
  }

  #take(node: HTMLButtonElement): void {
    this.view.state.set({ how: node.dataset.how ?? null });
  }

  /** A button for each kind that the kernel has. */
  #offer(kinds: readonly Kind[]): void {
    if (kinds.map(({ name }) => name).join() === this.#hows.map((node) => node.dataset.how).join()) return;
    this.#hows = kinds.map(({ name, sign }) => {
      const about = { role: 'radio', 'data-testid': `how-${name}`, 'data-how': name };
      const node = h('button', about, h('b', { 'aria-hidden': 'true' }, sign), name);
      on(node, 'click', () => this.#take(node), this.view.signal);
      return node;
    });
    this.#seg.replaceChildren(...this.#hows);
  }

  paint(_look: Look): void {
    const { session } = this.view;
    const { state } = session.durable.value;
    show(this.element, state !== null);
    if (!state) return;
    if (state.prompt !== this.#copied) {
      this.#copied = state.prompt;
      if (this.#prompt.value !== state.prompt) this.#prompt.value = state.prompt;
    }
    const there = session.reachable;
    // A page without a kernel runs nothing: what would run is not offered.
    const recorded = session.page.value.connection === 'recorded';
    for (const node of [this.#run, this.#generate, this.#stop]) show(node, !recorded);
    this.#prompt.readOnly = recorded;
    this.#prompt.title = recorded ? 'The prompt of the recorded run; the notebook runs others' : '';
    const busy = state.status === 'generating' || state.status === 'running';
    this.#prompt.disabled = !there;
    this.#run.disabled = !there || busy;
    this.#generate.disabled = !there || busy;
    this.#stop.disabled = !there || state.status !== 'generating';
    this.#paintKinds(state, there);
    this.#suggest(recorded ? [] : state.suggestions, !there || busy);
  }

  #paintKinds({ kinds, reference }: SessionState, there: boolean): void {
    this.#offer(kinds);
    const how = howOf(this.view);
    for (const node of this.#hows) {
      node.disabled = !there;
      const about = kinds.find((kind) => kind.name === node.dataset.how)?.sentences ?? {};
      const sentence =
        about.block?.replaceAll('{address}', 'a block') ?? about.layer?.replaceAll('{address}', 'A layer');
      node.title = `${sentence ?? ''}${node.dataset.how === 'mean' ? ` Here: ${reference}.` : ''}`;
    }
    mark(
      this.#hows,
      this.#hows.find((node) => node.dataset.how === how),
    );
  }

  /** One example of each task. */
  #suggest(suggestions: readonly Suggestion[], disabled: boolean): void {
    // The trait is parsed anew at every change: what is equal must not be built again under a person's finger.
    const suggested = JSON.stringify(suggestions);
    if (suggested !== this.#suggested) {
      this.#suggested = suggested;
      this.#list.replaceChildren(...suggestions.map(({ text, task }) => h('option', { value: text, label: task })));
      const first = suggestions.filter((one, i) => suggestions.findIndex((other) => other.task === one.task) === i);
      const chips = first.map((one) => {
        const chip = h('button', { class: 'gb-example', title: `${one.text} → ${one.answer}` });
        setText(chip, one.task);
        on(chip, 'click', () => this.#try(one), this.view.signal);
        return chip;
      });
      this.#examples.replaceChildren(...(chips.length > 0 ? [h('span', { class: 'gb-sub' }, 'Try'), ...chips] : []));
      show(this.#examples, chips.length > 0);
    }
    for (const chip of this.#examples.querySelectorAll('button')) chip.disabled = disabled;
  }

  #try({ text }: Suggestion): void {
    this.#prompt.value = text;
    this.view.session.run(text);
  }
}
