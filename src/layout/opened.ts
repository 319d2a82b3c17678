/**
 * A block that shows its inside in the diagram: it asks for a width, the columns are cut so that it has that, and its
 * card grows by the height of what is in it.
 */
import type { Architecture, Block, Group, Layer, Stack } from '../wire/types.generated';
import { describe } from './kinds';
import { layerAddress } from './model';
import { chooseSides } from './stream';

/** Room for the block on the other side of the stream. */
export const ASIDE = 124;

/** The name of a block within its layer, and that layer's index; null where it is in none of this stack. */
function within(stack: Stack, address: string): { index: number; name: string } | null {
  const prefix = layerAddress(stack, 0).slice(0, -1);
  if (!address.startsWith(prefix)) return null;
  const [, index, name] = /^(\d+)\.(.+)$/.exec(address.slice(prefix.length)) ?? [];
  return index === undefined || name === undefined ? null : { index: Number(index), name };
}

/**
 * The block of a layer that is opened. A card that stands for many layers and is bound to another one shows the inside of
 * the same block there.
 */
export function openedOf(
  stack: Stack,
  group: Group,
  layer: Layer,
  folded: boolean,
  opened: string | null,
): string | null {
  const place = opened === null ? null : within(stack, opened);
  if (!place || !(folded ? group.layers.includes(place.index) : place.index === layer.index)) return null;
  const address = `${layer.address}.${place.name}`;
  const block: Block | undefined = layer.blocks.find((one) => one.address === address);
  return block?.inside ? address : null;
}

/** On which side of the stream the opened block is; null where none is open. */
export function openedSide({ stacks }: Architecture, opened: string | null): -1 | 1 | null {
  for (const stack of stacks) {
    const place = opened === null ? null : within(stack, opened);
    const group = place && stack.groups.find((one) => one.layers.includes(place.index));
    if (!place || !group) continue;
    const { template } = group;
    const address = `${template.address}.${place.name}`;
    const block = template.blocks.find((one) => one.address === address);
    if (!block?.inside) continue;
    const preferred = (of: string) => {
      const one = template.blocks.find((other) => other.address === of);
      return one ? describe(one, stack.width.value).side : 1;
    };
    return chooseSides(template.branches, preferred).get(address) ?? null;
  }
  return null;
}
