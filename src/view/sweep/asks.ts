/** What is to be swept, on what it is measured, and how far it is. */
import type { Candidate, Metric, SessionState } from '../../wire/types.generated';
import { pairOf, visible } from '../candidates';
import { howOf, type View } from '../context';
import { copyButton, pythonOf } from '../copying';
import { h, setText, show } from '../dom';
import { on } from '../events';

const METRICS: readonly (readonly [Metric['name'], string, number])[] = [
  ['logprob', 'log-probability', 1],
  ['logit', 'logit', 1],
  ['difference', 'logit difference', 2],
  ['kl', 'KL from clean', 0],
];

type Scope = 'head' | 'block' | 'expert';
const SCOPES: readonly (readonly [Scope, string])[] = [
  ['head', 'heads'],
  ['block', 'blocks'],
  ['expert', 'experts'],
];

function choice(name: string, options: readonly (readonly [string, string])[] = []): HTMLSelectElement {
  const nodes = options.map(([value, words]) => h('option', { value }, words));
  return h('select', { class: 'gb-choice', 'aria-label': name }, ...nodes);
}

export class SweepAsks {
  readonly element = h('div', { class: 'gb-sweep-asks' });
  #metric = choice(
    'Effect on',
    METRICS.map(([name, words]) => [name, words] as const),
  );
  #tokens = [choice('Token'), choice('Other token')] as const;
  #minus = h('span', { 'aria-hidden': 'true' }, '−');
  #how = choice('Ablated with');
  #scopes: ReadonlyMap<Scope, HTMLInputElement>;
  #start = h('button', { class: 'gb-button gb-primary', 'data-testid': 'sweep' }, 'Sweep');
  #stop = h('button', { class: 'gb-button', 'data-testid': 'sweep-stop' }, 'Stop');
  #bar = h('progress', { class: 'gb-sweep-bar', 'aria-label': 'Progress of the sweep' });
  #done = h('span', { class: 'gb-sub', 'data-testid': 'sweep-done' });
  #copy: HTMLButtonElement;
  #offered = '';
  #asked = '';

  constructor(private readonly view: View) {
    const { session, signal } = view;
    this.#scopes = new Map(SCOPES.map(([scope]) => [scope, h('input', { type: 'checkbox', checked: true })]));
    const boxes = SCOPES.map(([scope, words]) =>
      h('label', { class: 'gb-sweep-scope' }, this.#scopes.get(scope) ?? null, words),
    );
    this.#copy = copyButton(view, 'Copy as Python', 'sweep-copy', () =>
      pythonOf([session.page.value.sweep?.python ?? '']),
    );
    const words = (text: string) => h('span', { class: 'gb-sub' }, text);
    const what = h(
      'span',
      { class: 'gb-sweep-part' },
      words('Effect on'),
      this.#metric,
      this.#tokens[0],
      this.#minus,
      this.#tokens[1],
    );
    const of = h(
      'span',
      { class: 'gb-sweep-part' },
      words('of ablation with'),
      this.#how,
      words('of each of the'),
      ...boxes,
    );
    const far = h('span', { class: 'gb-sweep-part' }, this.#start, this.#stop, this.#bar, this.#done, this.#copy);
    this.element.append(what, of, far);
    for (const node of [this.#metric, ...this.#tokens, this.#how, ...this.#scopes.values()])
      on(node, 'change', () => this.#changed(), signal);
    on(this.#start, 'click', () => this.#ask(), signal);
    on(this.#stop, 'click', () => session.stop(), signal);
  }

  paint(): void {
    const { session } = this.view;
    const { state, layout } = session.durable.value;
    if (!state) return;
    this.#offer(state, new Set(layout?.sites.map(({ kind }) => kind)));
    const count = METRICS.find(([name]) => name === this.#metric.value)?.[2] ?? 0;
    this.#tokens.forEach((node, i) => {
      show(node, i < count);
    });
    show(this.#minus, count === 2);
    const { sweep, connection } = session.page.value;
    const running = sweep?.running ?? false;
    const recorded = connection === 'recorded';
    const none = ![...this.#scopes.values()].some(
      ({ checked, parentElement }) => checked && parentElement?.hidden === false,
    );
    this.#start.disabled = !session.reachable || running || none || state.run === null;
    this.#start.title = state.run === null ? 'Run a prompt first' : 'One forward pass for each';
    this.#stop.disabled = !running;
    // From recordings all of it is there at once.
    for (const node of [this.#start, this.#stop, this.#bar]) show(node, !recorded);
    show(this.#copy, sweep !== null);
    this.#bar.max = sweep?.total ?? 1;
    this.#bar.value = sweep?.rows.length ?? 0;
    setText(this.#done, sweep ? `${sweep.rows.length} of ${sweep.total}${running || recorded ? '' : ' exact'}` : '');
    const key = state.run?.prompt ?? '';
    if (recorded && this.#asked !== key) {
      this.#asked = key;
      this.#ask();
    }
  }

  /** Kinds, tokens and scopes that there are; what was chosen stays where it is still there. */
  #offer({ kinds, run }: SessionState, sites: ReadonlySet<string>): void {
    const candidates = run?.candidates ?? [];
    const plain = kinds.filter(({ sentences }) => sentences.block !== undefined);
    const key = JSON.stringify([plain.map(({ name }) => name), candidates.map(({ id }) => id), [...sites]]);
    if (key === this.#offered) return;
    this.#offered = key;
    const before = this.#how.value;
    this.#how.replaceChildren(...plain.map(({ name, sign }) => h('option', { value: name }, `${sign} ${name}`)));
    const wanted = before === '' ? howOf(this.view) : before;
    this.#how.value = plain.some(({ name }) => name === wanted) ? wanted : (plain[0]?.name ?? '');
    for (const [scope, box] of this.#scopes) {
      const there = sites.has(scope);
      if (box.parentElement) show(box.parentElement, there);
    }
    this.#offerTokens(candidates);
  }

  #offerTokens(candidates: readonly Candidate[]): void {
    const pair = pairOf(candidates, this.view.state.value.pair);
    this.#tokens.forEach((node, i) => {
      const before = node.value;
      node.replaceChildren(...candidates.map(({ id, token }) => h('option', { value: String(id) }, visible(token))));
      const known = candidates.some(({ id }) => String(id) === before);
      node.value = known ? before : String(pair?.[i]?.id ?? candidates[i]?.id ?? '');
    });
  }

  /** From recordings an answer costs nothing; of a model it is asked for. */
  #changed(): void {
    if (this.view.session.page.value.connection === 'recorded') this.#ask();
    else this.paint();
  }

  #ask(): void {
    const name = this.#metric.value as Metric['name'];
    const count = METRICS.find(([metric]) => metric === name)?.[2] ?? 0;
    const tokens = this.#tokens.slice(0, count).map(({ value }) => Number(value));
    const scope = [...this.#scopes].filter(([, box]) => box.checked && box.parentElement?.hidden === false);
    this.view.session.sweep({ how: this.#how.value, metric: { name, tokens }, scope: scope.map(([one]) => one) });
  }
}
