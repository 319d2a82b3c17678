/** The strip beside folded cards: one cell for each layer, the first at the bottom, and which card each opens into. */
import type { Group, Stack } from '../wire/types.generated';
import { describe, type Hue } from './kinds';
import { groupKey, layerAddress, stackLayers } from './model';
import type { Card, Fan, Rect, Strip, StripCell } from './scene';

const LARGEST = 18;
/** Numbers stand beside cells at least this far apart. */
const LABELS = 40;

function halvesOf(group: Group, address: string): StripCell['halves'] {
  const { template } = group;
  const branches = template.branches.map((branch) => template.blocks.find((block) => block.address === branch.block));
  const known = branches.flatMap((block) => (block ? [block] : []));
  const halves: { hue: Hue; address: string }[] = [];
  for (const side of [-1, 1]) {
    const block = known.find((one) => describe(one).side === side);
    if (!block) continue;
    const suffix = block.address.slice(template.address.length);
    halves.push({ hue: describe(block).hue, address: address + suffix });
  }
  return halves;
}

/** How many layers lie between numbers, so that they do not touch. */
function labelStep(pitch: number): number {
  return [1, 2, 5, 10, 20, 50].find((step) => step * pitch >= Math.min(LABELS, pitch * 10)) ?? 100;
}

export function placeStrip(stack: Stack, area: Rect): Strip {
  const count = stackLayers(stack);
  const pitch = Math.min(LARGEST, area.h / count);
  const step = labelStep(pitch);
  const bottom = area.y + area.h;
  const groups = stack.groups.flatMap((group) => group.layers.map((index) => ({ group, index })));
  const cells = groups
    .sort((a, b) => a.index - b.index)
    .map(({ group, index }) => ({
      key: `${stack.name}:${index}`,
      index,
      address: layerAddress(stack, index),
      group: groupKey(stack, group),
      halves: halvesOf(group, layerAddress(stack, index)),
      label: index % step === 0 ? String(index) : '',
      x: area.x,
      y: bottom - (index + 1) * pitch,
      w: area.w,
      h: pitch,
    }));
  return { key: `strip:${stack.name}`, stack: stack.name, cells, ...area, y: bottom - count * pitch, h: count * pitch };
}

/** From a card's cells to the card: from all of them where they lie together, else from the one it is bound to. */
export function placeFans(strip: Strip, cards: readonly Card[]): Fan[] {
  return cards.flatMap((card) => {
    const mine = strip.cells.filter((cell) => cell.group === card.group);
    const indices = mine.map((cell) => cell.index);
    const together = Math.max(...indices) - Math.min(...indices) === mine.length - 1;
    const from = together ? mine : mine.filter((cell) => cell.index === card.index);
    const [last] = from.slice(-1);
    const [first] = from;
    if (!first || !last) return [];
    const edge = strip.x + strip.w + 3;
    const points = [
      { x: edge, y: last.y },
      { x: card.x, y: card.y + 6 },
      { x: card.x, y: card.y + card.h - 6 },
      { x: edge, y: first.y + first.h },
    ];
    return [{ key: `fan:${card.key}`, hue: last.halves.at(-1)?.hue ?? 'other', points }];
  });
}
