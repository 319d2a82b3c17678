/**
 * A block that shows its inside in the diagram: it asks for a width, the columns are cut so that it has that, and its
 * card grows by the height of what is in it.
 */
import type { Architecture, Block, Group, Layer, Stack } from '../wire/types.generated';
import { expertsOf, layoutInside } from './inside';
import { describe } from './kinds';
import { layerAddress } from './model';
import { chooseSides } from './stream';
import type { Measure } from './text';

/** Around an inside. */
export const AROUND = 8;
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

/** Where a block is opened: on which side of the stream, and how wide it gets that is laid out for a width. */
export interface Opened {
  readonly side: -1 | 1;
  readonly widthIn: (width: number) => number;
}

/** The block that is opened in a group of layers, or what stands for it there. */
function openedIn(stack: Stack, opened: string): { group: Group; block: Block } | null {
  const place = within(stack, opened);
  const group = place && stack.groups.find((one) => one.layers.includes(place.index));
  const block = group?.template.blocks.find(({ address }) => address === `${group.template.address}.${place?.name}`);
  return group && block?.inside ? { group, block } : null;
}

/** Where a block is opened; null where none is. */
export function openedAs({ stacks }: Architecture, opened: string | null, measure: Measure): Opened | null {
  for (const stack of opened === null ? [] : stacks) {
    const found = openedIn(stack, opened ?? '');
    if (!found?.block.inside) continue;
    const { blocks, branches } = found.group.template;
    const sides = chooseSides(branches, (of) => {
      const one = blocks.find(({ address }) => address === of);
      return one ? describe(one, stack.width.value).side : 1;
    });
    const side = sides.get(found.block.address);
    const { inside } = found.block;
    const options = { measure, experts: expertsOf(found.block) };
    const widthIn = (width: number) =>
      layoutInside(inside, { ...options, width: width - 2 * AROUND }).width + 2 * AROUND;
    if (side !== undefined) return { side, widthIn };
  }
  return null;
}
