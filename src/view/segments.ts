/** Buttons side by side of which one is pressed: what a picture shows. */
import { h, put } from './dom';
import { on } from './events';

export interface Segment<Name extends string> {
  readonly name: Name;
  readonly words?: string;
  readonly title?: string;
  readonly testid?: string;
}

export class Segments<Name extends string> {
  readonly element: HTMLElement;
  #buttons: ReadonlyMap<Name, HTMLButtonElement>;

  constructor(
    label: string,
    segments: readonly Segment<Name>[],
    signal: AbortSignal,
    private readonly chosen: (name: Name) => void,
  ) {
    const buttons = segments.map(({ name, words = '', title, testid }) => {
      const button = h('button', { title, 'data-testid': testid }, words);
      on(button, 'click', () => this.chosen(name), signal);
      return [name, button] as const;
    });
    this.#buttons = new Map(buttons);
    this.element = h(
      'span',
      { class: 'gb-seg gb-seg-small', role: 'group', 'aria-label': label },
      ...this.#buttons.values(),
    );
  }

  of(name: Name): HTMLButtonElement {
    return this.#buttons.get(name) as HTMLButtonElement;
  }

  press(name: Name | undefined): void {
    for (const [one, button] of this.#buttons) put(button, 'aria-pressed', String(one === name));
  }
}
