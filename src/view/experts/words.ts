/** What the numbers of experts are called, in words that are the same in every drawing. */
import { compact, fixed, percent } from '../../layout/format';
import type { Mixture, Spot } from '../../state/routing';
import type { Experts } from './model';

/** A load as a multiple of the even share. */
export function times(load: number): string {
  if (Number.isNaN(load)) return '';
  const decimals = load === 0 || load >= 9.95 ? 0 : load < 0.095 ? 2 : 1;
  return `${fixed(load, decimals)} ×`;
}

/** A share of the tokens, in whole percent as soon as that says enough. */
export function shareOf(share: number): string {
  if (Number.isNaN(share)) return '';
  return percent(share, 0);
}

/** The even share: of 64 experts, 8 a token, 12.5 %. */
export const evenOf = (share: number) => (Number.isNaN(share) ? '' : `${Number((100 * share).toFixed(1))} %`);

/** The layer that a mixture is in; its own address where that layer has several. */
export function layerName(mixtures: readonly Mixture[], { address, index }: Mixture): string {
  const layer = (of: string) => of.split('.').slice(0, -1).join('.') || of;
  const mine = layer(address);
  const shared = [mixtures[index - 1], mixtures[index + 1]].some((one) => one && layer(one.address) === mine);
  return shared ? address : mine;
}

/** The same in little room: of a stack's name only how it begins, for the layer tells one from another. */
export function shortName(name: string): string {
  const at = name.lastIndexOf('.');
  return name.length <= 9 || at < 4 ? name : `${name.slice(0, 3)}…${name.slice(at)}`;
}

/** An expert for those who do not see it. */
export function sentenceOf(experts: Experts, { mixture: row, expert }: Spot): string {
  const { now, mixtures } = experts;
  const mixture = mixtures[row];
  if (!mixture) return '';
  const name = `${mixture.address}.E${expert}`;
  const tokens = now.tokens[row] ?? 0;
  if (tokens === 0) return `${name}, not measured`;
  const count = now.count(mixture, expert);
  const cut = experts.isCut(mixture, expert) ? ', ablated' : '';
  const gain = experts.gained(mixture, expert);
  const moved = gain > 0 || gain < 0 ? `, ${fixed(Math.abs(gain))} ${gain > 0 ? 'more' : 'fewer'} than clean` : '';
  if (count === 0) return `${name}${cut}, no token of ${fixed(tokens)}${moved}`;
  const load = times(now.load(mixture, expert)).replace(' ×', ' times');
  return `${name}${cut}, load ${load} the even share, ${fixed(count)} of ${fixed(tokens)} tokens${moved}`;
}

/** A mean routing weight. */
export const weightOf = (weight: number) => (Number.isNaN(weight) ? '–' : compact(weight));

/** Over which tokens the load is taken, in a sentence. */
export function overWhich({ now, view }: Experts): string {
  const { counted, first, end, last, cut } = now;
  if (!last) return 'No token has been measured yet.';
  if (counted === 0) return 'Which experts its tokens are sent to is not read of this model: nothing is measured here.';
  const tokens = `${fixed(counted)} ${counted === 1 ? 'token' : 'tokens'}`;
  const { origin } = last.header;
  if (origin === 'clean' || origin === 'run') {
    if (first === 0) return `Over the ${tokens} of this run.`;
    const recorded = view.session.page.value.connection === 'recorded';
    const why = recorded
      ? 'this page keeps no more of each run, to stay small'
      : 'a frame of more than 1 MiB is cut to its end';
    const which = counted === 1 ? 'last' : `last ${fixed(counted)}`;
    return `Over the ${which} of ${fixed(end)} tokens: ${why}.`;
  }
  const missing = end - first - counted;
  const why = cut ? ' (a frame of more than 1 MiB is cut to its end)' : '';
  const since = first === 0 ? '' : `, from token ${fixed(first)} on${why}`;
  const gap = missing > 0 ? ` (${fixed(missing)} passed too fast to be shown)` : '';
  return `Over the ${tokens} of this sequence so far${since}${gap}.`;
}
