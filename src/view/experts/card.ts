/** The selected expert: its neighbours magnified, its facts, the tokens it weighs most, and what can be done to it. */
import { big, fixed } from '../../layout/format';
import { locate } from '../../layout/model';
import { actionOf, activate, howOf, type Part, unfit } from '../context';
import { h, put, setText, show } from '../dom';
import { on } from '../events';
import type { Look } from '../look';
import { Magnified } from './magnified';
import type { Experts } from './model';
import { Weighed } from './weighed';
import { shareOf, times, weightOf } from './words';

const FACTS = ['Tokens', 'Load', 'Rank in layer', 'Mean weight', 'Against clean', 'Parameters'] as const;
type Fact = (typeof FACTS)[number];

export class ExpertCard implements Part {
  readonly element = h('section', { class: 'gb-section gb-expert', 'aria-label': 'Selected expert' });
  #name = h('h2', { class: 'gb-mono gb-expert-name' });
  #button = h('button', { class: 'gb-button gb-small-button', 'data-testid': 'expert-action' });
  #action = h('p', { class: 'gb-sub gb-expert-action' });
  #done = h('p', { class: 'gb-done' });
  #path = h('p', { class: 'gb-path gb-mono' });
  #facts: ReadonlyMap<Fact, { row: HTMLElement; value: HTMLElement }>;
  #magnified: Magnified;
  #weighed: Weighed;
  #known = { address: '', path: '', parameters: '' };

  constructor(private readonly experts: Experts) {
    this.#magnified = new Magnified(experts);
    this.#weighed = new Weighed(experts);
    const rows = FACTS.map((name) => {
      const value = h('dd', {});
      return [name, { row: h('div', {}, h('dt', {}, name), value), value }] as const;
    });
    this.#facts = new Map(rows);
    this.element.append(
      h('div', { class: 'gb-section-head' }, this.#name, h('span', { class: 'gb-detail-action' }, this.#button)),
      this.#action,
      this.#done,
      this.#magnified.element,
      h('dl', { class: 'gb-facts gb-expert-facts' }, ...rows.map(([, { row }]) => row)),
      this.#weighed.element,
      this.#path,
    );
    const act = () => activate(experts.view, experts.address, 'ablate');
    on(this.#button, 'click', act, experts.view.signal);
  }

  paint(look: Look): void {
    const { experts } = this;
    show(this.element, experts.mixtures.length > 0);
    if (experts.mixtures.length === 0) return;
    setText(this.#name, experts.address);
    put(this.#name, 'title', experts.address);
    this.#act(look);
    this.#magnified.paint();
    this.#weighed.paint();
    this.#values();
    this.#know();
    setText(this.#path, this.#known.path);
    show(this.#path, this.#known.path !== '');
  }

  #values(): void {
    const { experts } = this;
    const { now, mixture, spot } = experts;
    const { expert } = spot;
    const [tokens, count] = [now.tokens[mixture.index] ?? 0, now.count(mixture, expert)];
    const measured = tokens > 0;
    const gain = experts.gained(mixture, expert);
    const sign = gain > 0 ? '+' : gain < 0 ? '−' : '';
    this.#fact(
      'Tokens',
      measured ? `${fixed(count)} of ${fixed(tokens)} (${shareOf(count / tokens)})` : 'not measured',
    );
    this.#fact('Load', measured ? `${times(now.load(mixture, expert))} even share` : '–');
    this.#fact('Rank in layer', measured ? `${now.rank(mixture, expert)} of ${mixture.experts}` : '–');
    this.#fact('Mean weight', weightOf(now.weight(mixture, expert)));
    const compared = !Number.isNaN(gain);
    this.#fact(
      'Against clean',
      compared ? `${sign}${fixed(Math.abs(gain))} ${Math.abs(gain) === 1 ? 'token' : 'tokens'}` : '–',
    );
    this.#facts.get('Against clean')?.value.classList.toggle('gb-down', compared && gain !== 0);
    this.#fact('Parameters', this.#known.parameters === '' ? '–' : this.#known.parameters);
  }

  #fact(name: Fact, words: string): void {
    const value = this.#facts.get(name)?.value;
    if (value) setText(value, words);
  }

  /** What its block says of each expert: where its weights are, and how many, where all have equally many. */
  #know(): void {
    const { experts } = this;
    const { address } = experts;
    if (this.#known.address === address) return;
    const { architecture } = experts.view.session.durable.value;
    const block = locate(architecture, experts.mixture.address)?.block ?? null;
    const all = block?.parts.find(({ address: part }) => part === `${experts.mixture.address}.experts`);
    const path = block?.ports.find(({ name }) => name === 'experts')?.path ?? all?.path;
    const each = (all?.params ?? Number.NaN) / experts.mixture.experts;
    this.#known = {
      address,
      path: path === undefined ? (block?.path ?? '') : `${path}[${experts.spot.expert}]`,
      parameters: Number.isInteger(each) ? big(each) : '',
    };
    this.#fact('Parameters', this.#known.parameters === '' ? '–' : this.#known.parameters);
  }

  #act(look: Look): void {
    const { view, address } = this.experts;
    const { state } = view.session.durable.value;
    const ablated = look.edits(address).length > 0;
    setText(this.#button, ablated ? 'Restore' : `Ablate: ${howOf(view)}`);
    const why = state?.unavailable[address];
    const off = !view.session.reachable || why !== undefined || (!ablated && unfit(view, address) !== null);
    if (this.#button.disabled !== off) this.#button.disabled = off;
    setText(this.#action, actionOf(view, look, address).replace(/^Click: /, ''));
    const done = look.inForce(address).map(({ sentence }) => sentence);
    setText(this.#done, done.join(' '));
    show(this.#done, done.length > 0);
  }
}
