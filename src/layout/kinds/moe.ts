/** Mixtures of experts: a router, its experts, and a shared one that always works. */
import type { Block, MoESpec } from '../../wire/types.generated';
import { fixed } from '../format';
import { factRows } from './facts';
import type { Description, PartOf } from './kind';
import { activationName } from './mlp';

/** What always works, one of those that are chosen, and what chooses. */
function partsOf(spec: MoESpec, wide: string, activation: string): PartOf[] {
  const [groups, kept] = [spec.groups?.value ?? 1, spec.groups_kept?.value ?? 1];
  const chosen = groups > 1 ? [`${kept} of ${groups} groups`] : [];
  const words = (lines: readonly string[]) => lines.filter((line) => line !== '');
  return [
    { part: 'shared', copies: 1, name: 'shared', lines: ['always on'] },
    { part: 'experts', copies: spec.experts.value, name: 'expert', lines: words([activation, wide]) },
    { part: 'router', copies: 1, name: 'router', lines: words([spec.router.value, ...chosen]) },
  ];
}

const factsOf = (spec: MoESpec) =>
  factRows([
    ['Experts', spec.experts],
    ['Experts per token', spec.top_k],
    ['Expert width', spec.hidden],
    ['Gated', spec.gated],
    ['Activation', spec.activation],
    ['Router', spec.router],
    ['Shared expert width', spec.shared_hidden],
    ['Chosen by', spec.choice],
    ['Groups', spec.groups],
    ['Groups kept', spec.groups_kept],
    ['Zero experts', spec.zero_experts],
    ['Bias for choosing', spec.bias_correction],
    ['Weights sum to one', spec.normalised],
    ['Scale of their sum', spec.scale],
  ]);

export function moe(block: Block): Description {
  const spec = block.spec as MoESpec;
  const [experts, top] = [spec.experts.value, spec.top_k.value];
  const wide = `${fixed(spec.hidden.value)} wide`;
  const activation = activationName(spec.activation.value, spec.gated.value);
  const shared = spec.shared_hidden.value > 0 ? ', 1 shared' : '';
  return {
    hue: 'moe',
    side: 1,
    type: [
      `${experts} experts, top ${top}${shared}`,
      `${experts} experts, top ${top}`,
      `${experts}, top ${top}`,
      `top ${top}`,
      '',
    ],
    line: [`${experts} experts, top ${top}${shared}`, `${experts} experts, top ${top}`, `top ${top} of ${experts}`],
    rows: [
      ['expert', ...(activation === '' ? [] : [`${wide}, ${activation}`]), wide, fixed(spec.hidden.value)],
      ['router', spec.router.value, spec.router.value.split(' ')[0] ?? ''],
      ...(shared === ''
        ? []
        : [['shared', `${fixed(spec.shared_hidden.value)} wide`, fixed(spec.shared_hidden.value)] as const]),
    ],
    parts: partsOf(spec, wide, activation),
    cells: { prefix: 'E', count: experts, shared: 1 },
    facts: factsOf(spec),
  };
}
