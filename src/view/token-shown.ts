/** Which token's values the diagram shows: said at all times, and the way back to the last one. */
import { fixed } from '../layout/format';
import { visible } from './candidates';
import type { Part, View } from './context';
import { h, put, setText } from './dom';
import { on } from './events';
import type { Look } from './look';

export class TokenShown implements Part {
  readonly element = h('div', { class: 'gb-token-shown gb-sub' });
  #words = h('span', { 'data-testid': 'shown-token' });
  #name = h('b', { class: 'gb-mono' });
  #back = h('button', { class: 'gb-word-button', 'data-testid': 'last-token' }, 'to the last');

  constructor(view: View) {
    this.element.append(this.#words, this.#name, this.#back);
    on(this.#back, 'click', () => view.state.set({ token: null }), view.signal);
  }

  paint({ token, live }: Look): void {
    this.element.classList.toggle('gb-vacant', !live || !token);
    const chosen = token !== null && !token.last;
    setText(this.#words, token ? `at token ${fixed(token.place)}` : '');
    setText(this.#name, token?.name ? visible(token.name) : '');
    put(this.element, 'data-chosen', String(chosen));
    // It keeps its place: a choice moves nothing.
    this.#back.style.visibility = chosen ? '' : 'hidden';
  }
}
