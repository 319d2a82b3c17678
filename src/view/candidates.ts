/** The next token: what the model would say, without and with the ablation. While it generates, what it says now. */
import { fixed, nats, percent, points, signed } from '../layout/format';
import type { Candidate, FramePrediction, RunSummary } from '../wire/types.generated';
import { type Part, streamed, type View } from './context';
import { attr, h, put, setText, show } from './dom';
import { on } from './events';
import { join } from './join';
import { changedWord, type Look } from './look';

const COLUMNS = [
  ['token', 'token'],
  ['bars', 'probability'],
  ['clean', 'clean'],
  ['ablated', 'ablated'],
  ['delta-logit', 'Δ logit'],
  ['delta-prob', 'Δ prob'],
  ['rank', 'rank'],
] as const;

type Column = (typeof COLUMNS)[number][0];

/** A token as it can be seen: a space or a line break is one too. */
export function visible(token: string): string {
  const shown = token.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replace(/^ /, '·');
  return shown.trim() === '' ? '␠' : shown;
}

/** While the model generates, a frame's predictions stand in for a run's. */
function fromPredictions(predictions: readonly FramePrediction[]): Candidate[] {
  return predictions.map(({ token, id, prob }, i) => ({
    token,
    id,
    clean: { prob, logit: Number.NaN, rank: i + 1 },
    ablated: null,
    delta_prob: null,
    delta_logit: null,
  }));
}

const TEXT: Record<Column, (candidate: Candidate) => string> = {
  token: ({ token }) => visible(token),
  bars: () => '',
  clean: ({ clean }) => percent(clean.prob),
  ablated: ({ ablated }) => (ablated ? percent(ablated.prob) : ''),
  'delta-logit': ({ delta_logit }) => (delta_logit === null ? '' : signed(delta_logit)),
  'delta-prob': ({ delta_prob }) => (delta_prob === null ? '' : points(delta_prob)),
  rank: ({ clean, ablated }) => {
    if (!ablated || ablated.rank === clean.rank) return fixed(clean.rank);
    return `${fixed(clean.rank)} → ${fixed(ablated.rank)} ${ablated.rank > clean.rank ? '▼' : '▲'}`;
  },
};

const VALUE: Partial<Record<Column, (candidate: Candidate) => number | null>> = {
  clean: ({ clean }) => clean.prob,
  ablated: ({ ablated }) => ablated?.prob ?? null,
  'delta-logit': ({ delta_logit }) => delta_logit,
  'delta-prob': ({ delta_prob }) => delta_prob,
  rank: ({ clean, ablated }) => ablated?.rank ?? clean.rank,
};

function movement({ clean, ablated }: Candidate): string {
  if (!ablated || ablated.rank === clean.rank) return '';
  return ablated.rank > clean.rank ? 'down' : 'up';
}

/** What the most probable token is compared with: what the ablation puts in its place, else the second. */
function rivalOf(candidates: readonly Candidate[]): Candidate | undefined {
  const [, ...others] = candidates;
  const risen = others.find((one) => one.ablated?.rank === 1);
  return risen ?? others[0];
}

/** The two whose logits are compared: those that were chosen where both are known, else the prediction and its rival. */
export function pairOf(
  candidates: readonly Candidate[],
  chosen: readonly number[],
): readonly [Candidate, Candidate] | null {
  const [a, b] = chosen.map((id) => candidates.find((one) => one.id === id));
  if (a && b) return [a, b];
  const [first] = candidates;
  const rival = rivalOf(candidates);
  return first && rival ? [first, rival] : null;
}

/** A pair with one more token: the third begins another pair, and one that was chosen is given up. */
export function repaired(pair: readonly number[], id: number): readonly number[] {
  if (pair.includes(id)) return pair.filter((one) => one !== id);
  return pair.length >= 2 ? [id] : [...pair, id];
}

/** The difference of two logits, clean and ablated. */
function differenceOf([a, b]: readonly [Candidate, Candidate]): string {
  const clean = a.clean.logit - b.clean.logit;
  if (!a.ablated || !b.ablated) return signed(clean);
  return `${signed(clean)} → ${signed(a.ablated.logit - b.ablated.logit)}`;
}

/** A rank as it is read aloud: glyphs are none there. */
function rankInWords({ clean, ablated }: Candidate): string {
  if (!ablated || ablated.rank === clean.rank) return `rank ${clean.rank}`;
  return `rank ${ablated.rank > clean.rank ? 'down' : 'up'} from ${clean.rank} to ${ablated.rank}`;
}

/** Why there is nothing to list. */
function emptyOf(run: RunSummary | null, look: Look): string {
  if (!run) return 'Run a prompt to see what the model would say next.';
  const first = look.now?.frame.header.first_nonfinite ?? null;
  return first === null ? 'This run predicts no token.' : 'No prediction: not all logits are finite numbers.';
}

export class Candidates implements Part {
  readonly element = h('section', { class: 'gb-section gb-next' });
  #heading = h('h2', {}, 'Next token');
  #pair = h('span', { class: 'gb-stat' });
  #kl = h('span', { class: 'gb-stat' });
  #klValue = h('b', { 'data-testid': 'kl' });
  #pairNames = h('span', { class: 'gb-sub' });
  #pairValue = h('b', { 'data-testid': 'pair' });
  #body = h('tbody');
  #clean: HTMLElement;
  #changed: HTMLElement;
  #table: HTMLTableElement;
  #empty = h('p', { class: 'gb-empty' });
  #hint = h(
    'p',
    { class: 'gb-sub gb-next-hint' },
    'Ablate a head or a block: what is predicted then stands beside it.',
  );

  constructor(private readonly view: View) {
    this.#pair.append(this.#pairNames, this.#pairValue);
    this.#kl.append(
      h('span', { class: 'gb-sub', title: 'from the clean to the ablated prediction' }, 'KL'),
      this.#klValue,
    );
    const head = COLUMNS.map(([name, words]) => h('th', { 'data-col': name, scope: 'col' }, words));
    [this.#clean, this.#changed] = [head[2] as HTMLElement, head[3] as HTMLElement];
    this.#table = h(
      'table',
      { class: 'gb-plain-table gb-candidates', 'data-testid': 'candidates' },
      h('thead', {}, h('tr', {}, ...head)),
      this.#body,
    );
    const bar = h('div', { class: 'gb-section-head' }, this.#heading, this.#pair, this.#kl);
    this.element.append(bar, this.#table, this.#empty, this.#hint);
  }

  paint(look: Look): void {
    const stream = streamed(this.view);
    const { run } = look;
    const candidates = stream ? fromPredictions(stream.header.predictions) : (run?.candidates ?? []);
    const compared = candidates.some((one) => one.ablated !== null);
    show(this.element, look.live);
    show(this.#table, candidates.length > 0);
    show(this.#empty, candidates.length === 0);
    show(this.#hint, candidates.length > 0 && !compared && stream === null);
    setText(this.#empty, emptyOf(run, look));
    this.#table.classList.toggle('gb-compared', compared);
    this.#table.classList.toggle('gb-streams', stream !== null);
    const { past } = this.view.session.page.value;
    setText(this.#heading, !stream ? 'Next token' : past ? 'Next token, at that time' : 'Next token, as it is written');
    this.#summary(stream ? null : run);
    // What comes with a frame was predicted under the interventions in force.
    setText(this.#clean, stream ? 'now' : 'clean');
    setText(this.#changed, changedWord(run?.interventions ?? []));
    this.#rows(candidates, stream !== null);
    this.#lead(candidates, compared);
  }

  /** Bold is what the figures above the table compare. */
  #lead(candidates: readonly Candidate[], compared: boolean): void {
    const { pair } = this.view.state.value;
    const two = pairOf(candidates, pair);
    const chosen = pair.length === 2 || compared ? two?.map(({ id }) => id) : [candidates[0]?.id];
    const leads = new Set(chosen);
    for (const row of this.#body.querySelectorAll('tr')) {
      const id = Number(row.dataset.id);
      row.classList.toggle('gb-lead', leads.has(id) || pair.includes(id));
      put(row.querySelector('button') as Element, 'aria-pressed', String(pair.includes(id)));
    }
  }

  #summary(run: RunSummary | null): void {
    const kl = run?.kl ?? null;
    show(this.#kl, kl !== null);
    if (kl !== null) {
      setText(this.#klValue, nats(kl));
      this.#klValue.dataset.value = String(kl);
    }
    const { pair } = this.view.state.value;
    const two = run ? pairOf(run.candidates, pair) : null;
    const ablated = two?.every((one) => one.ablated !== null) ?? false;
    // Of a clean run the difference is shown where somebody asked for it.
    show(this.#pair, two !== null && (ablated || pair.length === 2));
    if (!two) return;
    const [a, b] = two;
    this.#pair.title = 'difference of their logits, clean and ablated; click two tokens to choose others';
    setText(this.#pairNames, `${visible(a.token)} − ${visible(b.token)}`);
    setText(this.#pairValue, differenceOf(two));
    this.#pairValue.classList.toggle('gb-down', ablated && (a.delta_logit ?? 0) < (b.delta_logit ?? 0));
  }

  /** Two tokens are chosen at a click on each: their logits are compared above the table. */
  #tokenButton(row: HTMLTableRowElement): HTMLButtonElement {
    const { state, signal } = this.view;
    const button = h('button', {
      class: 'gb-token-choice',
      title: 'Click two to compare their logits',
    });
    const press = () => state.set({ pair: repaired(state.value.pair, Number(row.dataset.id)) });
    on(button, 'click', press, signal);
    return button;
  }

  /** A run's rows are told apart by their tokens; those that stream by their rank: nothing changes its place. */
  #rows(candidates: readonly Candidate[], streams: boolean): void {
    const key = ({ id }: Candidate, i: number) => (streams ? `rank ${i}` : id);
    for (const [row, one] of join(this.#body, 'tr', candidates, () => this.#row(), key)) {
      attr(row, { 'data-token': one.token, 'data-id': one.id });
      paintRow(row, one);
    }
  }

  #row(): HTMLTableRowElement {
    const row = h('tr', {}, ...COLUMNS.map(([name]) => h('td', { 'data-col': name })));
    row.children[0]?.append(this.#tokenButton(row));
    row.children[1]?.append(h('i', { class: 'gb-bar gb-bar-clean' }), h('i', { class: 'gb-bar gb-bar-ablated' }));
    return row;
  }
}

function paintRow(row: HTMLTableRowElement, candidate: Candidate): void {
  COLUMNS.forEach(([name], i) => {
    const cell = row.children[i] as HTMLTableCellElement;
    put(cell, 'data-value', VALUE[name]?.(candidate) ?? null);
    const written = name === 'token' ? (cell.firstElementChild as Element) : cell;
    if (name !== 'bars') setText(written, TEXT[name](candidate));
    if (name === 'rank') put(cell, 'aria-label', rankInWords(candidate));
  });
  row.dataset.moved = movement(candidate);
  const [clean, ablated] = [...(row.children[1]?.children ?? [])] as HTMLElement[];
  if (clean) clean.style.width = `${(100 * candidate.clean.prob).toFixed(2)}%`;
  if (ablated) ablated.style.width = `${(100 * (candidate.ablated?.prob ?? 0)).toFixed(2)}%`;
}
