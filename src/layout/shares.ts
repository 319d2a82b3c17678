/** Where the parameters are: all of them, and those that one token passes through. */
import type { Architecture, Block } from '../wire/types.generated';
import { describe, type Hue } from './kinds';

export interface Share {
  readonly name: string;
  readonly hue: Hue;
  readonly total: number;
  readonly active: number;
}

const NAMES: Record<Hue, string> = {
  attn: 'attention',
  mixer: 'mixers',
  mlp: 'MLP',
  moe: 'experts',
  emb: 'embeddings',
  other: 'rest',
};

/** A block of blocks is counted as what it is made of. */
const counted = (block: Block): readonly Block[] =>
  describe(block).hue === 'other' && block.parts.length > 0 ? block.parts.flatMap(counted) : [block];

/** Parameters by kind of block, in the order of the stream. What is in no block is the rest. */
export function sharesOf(architecture: Architecture): Share[] {
  const totals = new Map<Hue, number>();
  const add = (hue: Hue, count: number) => totals.set(hue, (totals.get(hue) ?? 0) + count);
  for (const stack of architecture.stacks) {
    for (const group of stack.groups) {
      for (const block of group.template.blocks.flatMap(counted)) {
        add(describe(block).hue, block.unique ?? block.params * group.layers.length);
      }
    }
  }
  const { params } = architecture;
  const inside = [...totals].reduce((sum, [hue, count]) => sum + (hue === 'other' ? 0 : count), 0);
  const ends = [...architecture.inputs, ...architecture.outputs];
  const tables = ends.filter(
    ({ spec }) => spec?.kind === 'embedding' || (spec?.kind === 'unembedding' && !spec.tied.value),
  );
  const embedded = tables.reduce((sum, block) => sum + block.params, 0);
  totals.set('emb', Math.min(embedded, params.total - inside));
  totals.set('other', Math.max(0, params.total - inside - (totals.get('emb') ?? 0)));
  // Only routed experts are passed by: whatever is not active is theirs.
  const idle = params.total - params.active;
  return (Object.keys(NAMES) as Hue[])
    .map((hue) => {
      const total = totals.get(hue) ?? 0;
      return { name: NAMES[hue], hue, total, active: hue === 'moe' ? Math.max(0, total - idle) : total };
    })
    .filter((share) => share.total > 0);
}
