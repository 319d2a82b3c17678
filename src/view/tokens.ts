/** The text: the tokens that were read, and those that the model wrote, as they arrive. */
import { select } from 'd3-selection';
import { percent } from '../layout/format';
import { visible } from './candidates';
import { type Part, streamed, type View } from './context';
import { h, show } from './dom';
import type { Look } from './look';

interface Token {
  readonly text: string;
  readonly written: boolean;
  readonly next: boolean;
}

/** More tokens than this are cut at the front: the newest matter. */
const MOST = 80;

export class Tokens implements Part {
  readonly element = h('section', { class: 'gb-section' });
  #row = h('div', { class: 'gb-tokens', 'data-testid': 'tokens' });

  constructor(private readonly view: View) {
    this.element.append(h('div', { class: 'gb-section-head' }, h('h2', {}, 'Text')), this.#row);
  }

  paint(look: Look): void {
    const tokens = this.#tokens(look);
    show(this.element, tokens.length > 0);
    select(this.#row)
      .selectAll<HTMLSpanElement, Token>('span')
      .data(tokens.slice(-MOST))
      .join('span')
      .attr('class', (token) =>
        token.next ? 'gb-token gb-next-token' : token.written ? 'gb-token gb-written' : 'gb-token',
      )
      .attr('title', (token) =>
        token.next ? 'the most probable next token' : token.written ? 'written by the model' : null,
      )
      .text((token) => token.text);
  }

  #tokens({ run }: Look): Token[] {
    const { state } = this.view.session.durable.value;
    const { frame, tokens } = this.view.session.page.value;
    if (!state) return [];
    if (streamed(this.view) && frame) {
      const [best] = frame.header.predictions;
      const read = tokens.map((token, i) => ({
        text: visible(token ?? '…'),
        written: i >= this.#prompted(),
        next: false,
      }));
      return best
        ? [...read, { text: `${visible(best.token)} ${percent(best.prob, 0)}`, written: true, next: true }]
        : read;
    }
    if (!run || run.generated === 0) return [];
    const first = run.tokens.length - run.generated;
    return run.tokens.map((token, i) => ({ text: visible(token), written: i >= first, next: false }));
  }

  /** How many tokens the prompt had: the first frame of a generation brings them all. */
  #longest = 0;
  #prompted(): number {
    const { frame } = this.view.session.page.value;
    if (frame?.header.first === 0) this.#longest = frame.header.positions;
    return this.#longest;
  }
}
