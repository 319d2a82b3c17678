/** What one token passes through: all of a block but the experts it is not sent to, and the work that this takes. */
import type { Architecture, Block, Layer } from '../wire/types.generated';

/** Parameters that one token passes through in a block. */
export function activeIn(block: Block): number {
  if (block.spec?.kind !== 'moe') return block.params;
  const { experts, top_k: top } = block.spec;
  const routed = block.parts.find(({ address }) => address.endsWith('.experts'))?.params ?? 0;
  return block.params - Math.round(routed * Math.max(0, 1 - top.value / Math.max(1, experts.value)));
}

/** The same of a layer; a block within a block is counted with it. */
export const activeOf = (layer: Layer): number =>
  layer.params - layer.blocks.reduce((idle, block) => idle + block.params - activeIn(block), 0);

/** FLOPs for one token with learned matrices: two for each multiply-add. */
export const workOf = (layer: Layer): number => 2 * layer.blocks.reduce((sum, { weights }) => sum + weights, 0);

/** Whether what is idle in all layers is what the model's own count says: else some of it is in no mixture that is known. */
export function knowsActive({ stacks, params }: Architecture): boolean {
  const groups = stacks.flatMap((stack) => stack.groups);
  const idle = groups.reduce(
    (sum, { template, layers }) => sum + layers.length * (template.params - activeOf(template)),
    0,
  );
  return Math.abs(params.total - params.active - idle) < 1e-6 * params.total;
}
