/** Bad news, in words: nobody answers, or something was not done. And notes that are no failures. */
import type { Connection } from '../state/local';
import type { Part, View } from './context';
import { h, setText, show } from './dom';
import { on } from './events';

const WORDS: Partial<Record<Connection, string>> = {
  silent:
    'No kernel answers: it is busy with something else, it is gone, or this page has none. This is the last picture.',
  gone: 'The kernel is gone. This is the last picture; run the cell again to go on.',
};

export class Banner implements Part {
  readonly element = h('div', { class: 'gb-messages' });
  /** What is said of one request lies over the page: it comes and goes, and moves nothing. */
  readonly over: readonly HTMLElement[];
  #banner = h('div', { class: 'gb-banner', role: 'status', 'data-testid': 'banner', hidden: true });
  #words = h('span');
  #retry = h('button', { class: 'gb-button gb-small-button' }, 'Ask again');
  #alert = h('div', { class: 'gb-alert', role: 'alert', 'data-testid': 'alert', hidden: true });
  #problem = h('span');
  #nonfinite = h('div', { class: 'gb-alert', role: 'status', 'data-testid': 'nonfinite', hidden: true });
  #noted = h('span');
  #note = h('div', { class: 'gb-note', role: 'status', 'data-testid': 'note', hidden: true });

  constructor(private readonly view: View) {
    const { session, signal } = view;
    const dismiss = () => {
      const button = h('button', { class: 'gb-dismiss', 'aria-label': 'Dismiss' }, '×');
      on(button, 'click', () => session.dismiss(), signal);
      return button;
    };
    this.#banner.append(this.#words, this.#retry);
    this.#alert.append(this.#problem, dismiss());
    this.#note.append(this.#noted, dismiss());
    this.element.append(this.#banner, this.#nonfinite);
    this.over = [this.#alert, this.#note];
    on(this.#retry, 'click', () => session.retry(), signal);
  }

  paint(): void {
    const { session } = this.view;
    const { connection, alert, note, frame, dismissed } = session.page.value;
    const { state } = session.durable.value;
    const detached =
      state?.status === 'detached'
        ? 'The session is detached: the model is as it was. This is the last picture.'
        : undefined;
    const words = state ? (WORDS[connection] ?? detached) : undefined;
    show(this.#banner, words !== undefined);
    show(this.#retry, connection === 'silent');
    setText(this.#words, words ?? '');
    const background = state?.problem ?? null;
    const problem = alert ?? (background === dismissed ? null : background);
    show(this.#alert, problem !== null);
    setText(this.#problem, problem ?? '');
    const first = frame?.header.first_nonfinite ?? null;
    show(this.#nonfinite, first !== null);
    setText(
      this.#nonfinite,
      first === null ? '' : `Some values are infinite or no numbers (NaN): the first of them comes out of ${first}.`,
    );
    show(this.#note, note !== null);
    setText(this.#noted, note ?? '');
  }
}
