/** Results for those who do not see them: one sentence for each new run. */
import { percent } from '../layout/format';
import type { RunSummary } from '../wire/types.generated';
import { visible } from './candidates';
import { inPart } from './look';

const DONE: Readonly<Record<string, string>> = {
  zero: 'zeroed',
  mean: 'mean-ablated',
  resample: 'resampled',
  freeze: 'frozen',
  noise: 'with noise',
  scale: 'scaled',
  add: 'steered',
  skip: 'skipped',
  cut: 'with edges cut',
};

/** What a run shows, in one sentence. */
export function sentenceOf(run: RunSummary): string {
  const [top] = run.candidates;
  const said = run.interventions
    .map((one) => `${one.address} ${DONE[one.how] ?? one.how}${inPart(one) ? ' at some tokens' : ''}`)
    .join(', ');
  if (!top) return said;
  const name = visible(top.token);
  if (said === '') return `Nothing ablated: ${name} ${percent(top.clean.prob)}`;
  if (!top.ablated) return `${said}: no prediction, for not all logits are finite numbers`;
  return `${said}: ${name} ${percent(top.clean.prob)} to ${percent(top.ablated.prob)}`;
}
