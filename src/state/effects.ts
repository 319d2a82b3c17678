/** What a sweep found, and the scale on which it is shown. On a page without a kernel it is read from its recordings. */
import type { Candidate, Effect, Effects, Metric, RecordedAblation, Recording } from '../wire/types.generated';
import type { Sweep } from './local';

/** Effects by address; null where one could not be measured. */
export function byAddress(sweep: Sweep | null): ReadonlyMap<string, Effect> {
  return new Map(sweep?.rows.map((row) => [row.address, row]));
}

/** The largest effects of either sign first; those that were not measured are left out. */
export function largest(rows: readonly Effect[], count: number): Effect[] {
  const known = rows.filter(({ effect }) => effect !== null);
  return known.sort((a, b) => Math.abs(b.effect ?? 0) - Math.abs(a.effect ?? 0)).slice(0, count);
}

const STEPS = [1, 2, 5, 10];

/** The end of the scale on both sides: the largest effect, rounded up; while a sweep runs it only grows, in steps. */
export function limitOf(rows: readonly Effect[]): number {
  const top = rows.reduce((most, { effect }) => Math.max(most, Math.abs(effect ?? 0)), 0);
  if (top === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(top));
  return (STEPS.find((step) => step * power >= top * (1 - 1e-9)) ?? 10) * power;
}

type Side = 'clean' | 'ablated';

/** What a metric is of one prediction; null where its tokens are not among the candidates. */
function measured(metric: Metric, candidates: readonly Candidate[], side: Side): number | null {
  const scores = metric.tokens.map((id) => candidates.find((one) => one.id === id)?.[side] ?? null);
  const [a, b] = scores;
  if (!a) return null;
  if (metric.name === 'logprob') return Math.log(a.prob);
  if (metric.name === 'logit') return a.logit;
  return b ? a.logit - b.logit : null;
}

const ELSEWHERE = 'these tokens were not recorded with it.';

function effectOf({ address, run }: RecordedAblation, metric: Metric): Effect {
  if (metric.name === 'kl') return { address, effect: run.kl, why: run.kl === null ? ELSEWHERE : null };
  const [clean, ablated] = [measured(metric, run.candidates, 'clean'), measured(metric, run.candidates, 'ablated')];
  const effect = clean === null || ablated === null ? Number.NaN : ablated - clean;
  return Number.isFinite(effect) ? { address, effect, why: null } : { address, effect: null, why: ELSEWHERE };
}

const WORDS: Readonly<Record<Metric['name'], string>> = {
  logprob: 'log-probability of {}',
  logit: 'logit of {}',
  difference: 'logit of {} minus {}',
  kl: 'KL divergence from the clean prediction',
};

const scopeOf = (address: string) => (/\.E\d+$/.test(address) ? 'expert' : /\.H\d+$/.test(address) ? 'head' : 'block');

/** A sweep from recordings: the kernel's message, as if it had been asked. */
export function recordedSweep(
  recording: Recording,
  asked: { how: string; metric: Metric; scope: readonly string[] },
  sweep: number,
): Effects {
  const candidates = recording.state.run?.candidates ?? [];
  const count = { logprob: 1, logit: 1, difference: 2, kl: 0 }[asked.metric.name];
  const tokens = asked.metric.tokens.length > 0 ? asked.metric.tokens : candidates.slice(0, count).map(({ id }) => id);
  const metric = { ...asked.metric, tokens };
  const names = tokens.map((id) => candidates.find((one) => one.id === id)?.token.trim() ?? `<${id}>`);
  const swept = recording.ablations.filter(
    ({ address, how }) => how === asked.how && asked.scope.includes(scopeOf(address)),
  );
  const rows = swept.map((one) => effectOf(one, metric));
  const quoted = (all: readonly string[]) => `[${all.map((one) => JSON.stringify(one)).join(', ')}]`;
  const options = [
    quoted(asked.scope),
    ...(asked.how === 'zero' ? [] : [`how="${asked.how}"`]),
    ...(metric.name === 'logprob' ? [] : [`metric="${metric.name}"`]),
    ...(asked.metric.tokens.length > 0 ? [`tokens=${quoted(names)}`] : []),
  ];
  return {
    type: 'effects',
    sweep,
    how: asked.how,
    metric: names.reduce((words, name) => words.replace('{}', name), WORDS[metric.name]),
    unit: metric.name === 'kl' || metric.name === 'logprob' ? 'nats' : 'logits',
    prompt: recording.state.run?.prompt ?? '',
    clean: metric.name === 'kl' ? 0 : measured(metric, candidates, 'clean'),
    first: 0,
    rows,
    total: rows.length,
    python: `session.sweep(${options.join(', ')})`,
    running: false,
  };
}
