/** Sequence mixers without a softmax: state spaces, linear attention, recurrences. */
import type { Block, MixerSpec } from '../../wire/types.generated';
import { big, fixed } from '../format';
import { factRows } from './facts';
import type { Description, RowOf } from './kind';

/** Families by the names that people know, where theirs is long. */
const SHORT: Readonly<Record<string, string>> = { state_space: 'SSM', linear_attention: 'linear' };

const typeOf = (family: string) => [family.replaceAll('_', ' '), ...(SHORT[family] ? [SHORT[family]] : []), ''];

export function mixer(block: Block): Description {
  const spec = block.spec as MixerSpec;
  const [heads, dim] = [spec.heads?.value ?? 0, spec.v_head_dim?.value ?? spec.head_dim?.value];
  const shape = heads > 0 ? `${heads} heads${dim === undefined ? '' : ` × ${dim}`}` : '';
  const state = spec.state ? spec.state.value.map((size) => fixed(size)).join(' × ') : '';
  const rows: RowOf[] = [];
  if (heads > 0) rows.push(['heads', fixed(heads)]);
  if (spec.kv_heads && spec.kv_heads.value !== heads) rows.push(['q, k heads', fixed(spec.kv_heads.value)]);
  const numbers = (spec.state?.value ?? []).reduce((all, size) => all * size, 1);
  if (spec.state) rows.push(['state', state, fixed(numbers), big(numbers)]);
  if (spec.conv) rows.push(['convolution', fixed(spec.conv.value)]);
  return {
    hue: 'mixer',
    side: -1,
    type: spec.variant ? [spec.variant.value, ''] : typeOf(spec.family.value),
    line: [shape, state].filter((text) => text !== ''),
    rows,
    cells: heads > 0 ? { prefix: 'H', count: heads, shared: 1 } : null,
    facts: factRows([
      ['Kind', spec.variant],
      ['Family', spec.family],
      ['Decay', spec.decay],
      ['Heads', spec.heads],
      ['Query and key heads', spec.kv_heads],
      ['Head dimension', spec.head_dim],
      ['Value dimension', spec.v_head_dim],
      ['State', spec.state],
      ['Convolution', spec.conv],
      ['Convolution channels', spec.conv_channels],
      ['Output gate', spec.out_gate],
    ]),
  };
}
