/**
 * The text: the tokens that were read, and those that the model wrote, as they arrive. It has a window of its own height
 * that follows the end, and what is written is added to what stands there: nothing moves when a token comes.
 */
import { percent } from '../layout/format';
import { visible } from './candidates';
import { type Part, streamed, type View } from './context';
import { h, put, setText, show } from './dom';
import type { Look } from './look';

/** More tokens than this are cut at the front, many at a time. */
const MOST = 600;
const CUT = 200;

interface Text {
  readonly tokens: readonly (string | null)[];
  /** How many of them the model did not write. */
  readonly read: number;
  /** What it would say next, while it writes. */
  readonly next: string | null;
}

const NONE: Text = { tokens: [], read: 0, next: null };

export class Tokens implements Part {
  readonly element = h('section', { class: 'gb-section' });
  #row = h('div', { class: 'gb-token-row' });
  #box = h('div', { class: 'gb-tokens', tabindex: 0, role: 'region', 'aria-label': 'Text' }, this.#row);
  #next = h('span', { class: 'gb-token gb-next-token', title: 'the most probable next token' });
  #told: (string | null)[] = [];
  /** Of how many tokens it was told that the model did not write them. */
  #read = 0;
  #first = 0;
  /** How many tokens the prompt had, as long as that is known. */
  #prompted = 0;

  constructor(private readonly view: View) {
    this.#row.dataset.testid = 'tokens';
    this.element.append(h('div', { class: 'gb-section-head' }, h('h2', {}, 'Text')), this.#box);
    this.#row.append(this.#next);
    this.#follow(view.signal);
  }

  paint(look: Look): void {
    const text = this.#text(look);
    show(this.element, text.tokens.length > 0);
    const grew = this.#fill(text);
    if (grew || this.#next.textContent !== (text.next ?? '')) this.#say(text.next);
  }

  /** Say what comes next, in another element: one that moved along with the text would be a move. */
  #say(next: string | null): void {
    const said = this.#next.cloneNode() as HTMLSpanElement;
    said.textContent = next ?? '';
    show(said, next !== null);
    this.#next.replaceWith(said);
    this.#next = said;
  }

  /** Follow the end when a line is begun: after the browser's own layout, which is not made twice. */
  #follow(signal: AbortSignal): void {
    if (typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => {
      this.#box.scrollTop = 1e6;
    });
    observer.observe(this.#row);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  /** Make the spans those of a text; returns whether any was added. */
  #fill({ tokens, read }: Text): boolean {
    const [row, told] = [this.#row, this.#told];
    // A text that starts otherwise is another one.
    const first = tokens.length > this.#first + MOST ? Math.ceil((tokens.length - MOST) / CUT) * CUT : this.#first;
    const start = tokens.length <= this.#first ? 0 : first;
    for (; this.#first < start && told.length > 0; this.#first++) {
      told.shift();
      row.firstChild?.remove();
    }
    if (start !== this.#first) {
      told.length = 0;
      row.replaceChildren(this.#next);
      this.#first = start;
    }
    const before = told.length;
    const as = this.#read === read;
    for (let i = start; i < tokens.length; i++) {
      // What stands there already is not looked up: a text has hundreds of tokens, and one of them is new.
      const stands = as && i - start < before && told[i - start] === (tokens[i] ?? null);
      if (!stands) this.#span(i - start, tokens[i] ?? null, i >= read);
    }
    this.#read = read;
    while (told.length > tokens.length - start) {
      told.pop();
      this.#next.previousSibling?.remove();
    }
    return told.length > before;
  }

  #span(at: number, token: string | null, written: boolean): void {
    const { children } = this.#row;
    const span = at < this.#told.length ? (children[at] as HTMLElement) : h('span');
    if (at >= this.#told.length) this.#row.insertBefore(span, this.#next);
    if (at >= this.#told.length || this.#told[at] !== token) setText(span, visible(token ?? '…'));
    this.#told[at] = token;
    put(span, 'class', written ? 'gb-token gb-written' : 'gb-token');
  }

  #text({ run }: Look): Text {
    const { frame, tokens } = this.view.session.page.value;
    if (this.view.session.durable.value.state === null) return NONE;
    if (streamed(this.view) && frame) {
      const [best] = frame.header.predictions;
      const next = best ? `${visible(best.token)} ${percent(best.prob, 0)}` : null;
      return { tokens, read: this.#prompt(), next };
    }
    if (!run || run.generated === 0) return NONE;
    return { tokens: run.tokens, read: run.tokens.length - run.generated, next: null };
  }

  /** The first frame of a sequence brings all tokens of the prompt; it is kept, also where it was never painted. */
  #prompt(): number {
    const { moments, state } = this.view.session.timeline;
    for (let at = state.value.at; at >= 0; at--) {
      const { first, positions } = moments[at]?.frame.header ?? { first: 0, positions: 0 };
      if (first > 0) continue;
      this.#prompted = positions;
      break;
    }
    return this.#prompted;
  }
}
