/**
 * What a block costs for each token, as far as its shapes say: the work of its learned matrices and of mixing, and what
 * decoding keeps. The same arithmetic as `ir/costs.py` does for a whole model.
 */
import type { AttentionSpec, Block, MixerSpec, Source } from '../../wire/types.generated';
import { big, fixed } from '../format';
import type { FactRow } from './kind';

const BYTES: Readonly<Record<string, number>> = { float64: 8, float32: 4, bfloat16: 2, float16: 2 };
/** What a model is usually kept in, where nothing is loaded that says it. */
const USUAL = 'bfloat16';

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** Numbers that an attention keeps for each token, as they are stored: before they are repeated for several query heads. */
export function keptWidth(spec: AttentionSpec): number {
  if (spec.shared_kv || !spec.causal.value) return 0;
  if (spec.kv_rank) return spec.kv_rank.value + spec.rope_dims.value;
  return spec.kv_heads.value * (spec.head_dim.value + spec.v_head_dim.value);
}

/** Numbers in the state that a mixer keeps, however long the text is. */
export function stateSize(spec: MixerSpec): number {
  const state = spec.state ? product(spec.state.value) : 0;
  return state + (spec.conv && spec.conv_channels ? spec.conv.value * spec.conv_channels.value : 0);
}

/** Operations of an attention that mixes one token with each one that it sees. */
export const mixing = (spec: AttentionSpec) => 2 * spec.heads.value * (spec.head_dim.value + spec.v_head_dim.value);

/**
 * Operations of a recurrence for one token: its state decays, is written to and read; the delta rule reads it once more, to
 * erase what the key held.
 */
export function recurrence(spec: MixerSpec): number {
  if (!spec.state) return 0;
  const passes = spec.family.value === 'delta rule' ? 3 : 2;
  const decays = !spec.decay || spec.decay.value === 'none' ? 0 : 1;
  return (2 * passes + decays) * product(spec.state.value);
}

/** How sure a number is that was made of several: as sure as the least. */
function weakest(spec: object): Source {
  const order: readonly Source[] = ['observed', 'module', 'config', 'assumed'];
  const facts = Object.values(spec as Record<string, { source?: Source } | string | null>);
  const known = facts.flatMap((fact) =>
    fact !== null && typeof fact === 'object' && fact.source ? [fact.source] : [],
  );
  return known.reduce<Source>((worst, one) => (order.indexOf(one) > order.indexOf(worst) ? one : worst), 'observed');
}

function kept(block: Block, dtype: string): FactRow[] {
  const { spec } = block;
  const bytes = BYTES[dtype] ?? BYTES[USUAL] ?? 2;
  const where = `in ${BYTES[dtype] ? dtype : USUAL}; follows from the shapes`;
  if (spec?.kind === 'attention' && keptWidth(spec) > 0) {
    const limit = spec.window ? spec.window.value - 1 : spec.chunk?.value;
    const most = limit === undefined ? '' : `, ${fixed(limit)} tokens at most`;
    const value = `${fixed(keptWidth(spec) * bytes)} bytes a token${most}`;
    return [{ label: 'KV cache', value, source: weakest(spec), where }];
  }
  if (spec?.kind !== 'mixer' || stateSize(spec) === 0) return [];
  const value = `${fixed(stateSize(spec) * bytes)} bytes, however long the text`;
  return [{ label: 'Kept state', value, source: weakest(spec), where }];
}

/** What the block costs, as rows. */
export function costsOf(block: Block, dtype = USUAL): FactRow[] {
  const { weights, spec } = block;
  const seen = spec?.kind === 'attention' ? ` + ${big(mixing(spec))} for each token in sight` : '';
  const own = 2 * weights + (spec?.kind === 'mixer' ? recurrence(spec) : 0);
  const work: FactRow[] =
    own === 0
      ? []
      : [
          {
            label: 'FLOPs',
            value: `${big(own)} a token${seen}`,
            source: 'observed',
            where: 'two for each multiply-add',
          },
        ];
  return [...work, ...kept(block, dtype)];
}
