/** Softmax attention: heads, who shares keys and values, latents, windows. */
import type { AttentionSpec, Block } from '../../wire/types.generated';
import { fixed } from '../format';
import { factRows } from './facts';
import type { Description, RowOf } from './kind';

function typeOf(spec: AttentionSpec): string[] {
  if (spec.kv_rank?.value) return ['latent attention (MLA)', 'MLA', ''];
  const window = spec.window ? `window ${fixed(spec.window.value)}` : '';
  const [heads, kv] = [spec.heads.value, spec.kv_heads.value];
  const sharing = kv === heads ? '' : kv === 1 ? 'MQA' : 'GQA';
  const both = [sharing, window].filter((word) => word !== '');
  return both.length > 0 ? [both.join(', '), both[0] ?? '', ''] : [''];
}

function lineOf(spec: AttentionSpec): string[] {
  const [heads, kv, dim] = [spec.heads.value, spec.kv_heads.value, spec.head_dim.value];
  const shared = kv === heads ? '' : `, ${kv} KV`;
  return [`${heads} heads × ${dim}${shared}`, `${heads} × ${dim}${shared}`, `${heads} × ${dim}`];
}

function rowsOf(spec: AttentionSpec): RowOf[] {
  const [dim, rope] = [spec.head_dim.value, spec.rope_dims.value];
  const rows: RowOf[] = [['heads', fixed(spec.heads.value)]];
  if (spec.kv_heads.value !== spec.heads.value) rows.push(['KV heads', fixed(spec.kv_heads.value)]);
  const split = rope > 0 && rope < dim ? [`${dim - rope} + ${rope} rope`, `${dim - rope} + ${rope}`] : [];
  rows.push(['q, k dims', ...split, String(dim)]);
  if (spec.v_head_dim.value !== dim) rows.push(['v dims', fixed(spec.v_head_dim.value)]);
  if (spec.q_rank) rows.push(['q latent', fixed(spec.q_rank.value)]);
  if (spec.kv_rank) rows.push(['KV latent', fixed(spec.kv_rank.value)]);
  if (spec.window) rows.push(['window', fixed(spec.window.value)]);
  if (spec.chunk) rows.push(['chunks of', fixed(spec.chunk.value)]);
  if (spec.shared_kv) rows.push(['keys, values', `of L${spec.shared_kv.value}`]);
  if (spec.position_bias && spec.position_bias.value !== 'none') rows.push(['bias', spec.position_bias.value]);
  return rows;
}

export function attention(block: Block): Description {
  const spec = block.spec as AttentionSpec;
  const [heads, kv] = [spec.heads.value, spec.kv_heads.value];
  return {
    hue: 'attn',
    side: -1,
    type: typeOf(spec),
    line: lineOf(spec),
    rows: rowsOf(spec),
    cells: { prefix: 'H', count: heads, shared: kv > 0 && heads % kv === 0 ? heads / kv : 1 },
    facts: factRows([
      ['Heads', spec.heads],
      ['Key/value heads', spec.kv_heads],
      ['Head dimension', spec.head_dim],
      ['Value dimension', spec.v_head_dim],
      ['Rotary dimensions', spec.rope_dims],
      ['Causal', spec.causal],
      ['Query and key norm', spec.qk_norm],
      ['Window', spec.window],
      ['Softcap', spec.softcap],
      ['Scale', spec.scale],
      ['Sinks', spec.sinks],
      ['Output gate', spec.out_gate],
      ['Query latent', spec.q_rank],
      ['Key/value latent', spec.kv_rank],
      ['Latents normalised', spec.latent_norm],
      ['Chunk', spec.chunk],
      ['Prefix', spec.prefix],
      ['Position bias', spec.position_bias],
      ['Rotary base', spec.rope_theta],
      ['Rotary scaling', spec.rope_scaling],
      ['Keys and values of layer', spec.shared_kv],
    ]),
  };
}
