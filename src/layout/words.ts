/** The words by which people look for a block: what its kind is called, what its spec states, its class and its path. */
import type { AttentionSpec, Block, Spec } from '../wire/types.generated';
import { describe } from './kinds';

/** Words within a class's name: `SparseMoeBlock` is also sparse, moe and block. */
const pieces = (text: string): string[] => text.match(/[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+/g) ?? [];

function attentionNames(spec: AttentionSpec): string[] {
  const [heads, kv] = [spec.heads.value, spec.kv_heads.value];
  const sharing = kv === heads ? 'MHA multi-head' : kv === 1 ? 'MQA multi-query' : 'GQA grouped-query';
  const reach = spec.window ? 'sliding window local' : spec.chunk ? 'chunked local' : 'full global';
  return [spec.kv_rank ? 'MLA latent' : sharing, reach, spec.causal.value ? 'causal' : 'bidirectional'];
}

/** What people call what a spec says. */
function names(spec: Spec): string[] {
  switch (spec.kind) {
    case 'attention':
      return attentionNames(spec);
    case 'moe':
      return ['MoE mixture of experts router', spec.shared_hidden.value > 0 ? 'shared' : ''];
    case 'mlp':
      return [spec.gated.value ? 'gated GLU' : '', 'FFN feed-forward dense MLP'];
    case 'mixer':
      return [spec.family.value.replaceAll('_', ' '), 'recurrent state linear'];
    case 'unembedding':
      return ['logits lm head output', spec.tied.value ? 'tied' : ''];
    default:
      return [];
  }
}

/** What a spec states in words, and the names of what it says is so. */
function stated(spec: Spec): string[] {
  const facts = Object.entries(spec as unknown as Record<string, { value?: unknown } | string | null>);
  return facts.flatMap(([name, fact]) => {
    const value = fact !== null && typeof fact === 'object' ? fact.value : false;
    if (typeof value === 'string') return value === 'none' ? [] : [value];
    return value === true ? [name.replaceAll('_', ' ')] : [];
  });
}

/** All words for a block, in small letters: each phrase, and each word of it. */
export function wordsOf(block: Block, own: readonly string[]): string[] {
  const { type, facts } = describe(block);
  const spec = block.spec ? [...names(block.spec), ...stated(block.spec)] : [];
  const labels = facts.map(({ label }) => label);
  const phrases = [...own, block.role, block.cls, ...pieces(block.cls), ...type, ...spec, ...labels];
  const words = phrases.flatMap((phrase) => [phrase, ...phrase.split(/[\s,._()-]+/)]);
  return [...new Set(words.map((word) => word.toLowerCase()))].filter((word) => word !== '');
}
