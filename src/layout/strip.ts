/** The strip beside folded cards: one cell for each layer, the first at the bottom, and which card each opens into. */
import type { Block, Group, Stack } from '../wire/types.generated';
import { describe, type Hue } from './kinds';
import { groupKey, layerAddress, stackLayers } from './model';
import type { Card, Fan, Rect, Strip, StripCell, StripField } from './scene';
import { titlesOf } from './titles';

const LARGEST = 18;
/** More layers than this share cells: a cell is then a run of layers, and opens into the first of them. */
const MOST = 400;
/** Numbers stand beside cells at least this far apart. */
const LABELS = 40;

/** The blocks that a layer adds to the stream. */
function addedBy({ template }: Group): Block[] {
  const branches = template.branches.map((branch) => template.blocks.find((block) => block.address === branch.block));
  return branches.flatMap((block) => (block ? [block] : []));
}

const isLimited = ({ spec }: Block) => spec?.kind === 'attention' && (spec.window !== null || spec.chunk !== null);

/** Whether some of a stack's attentions see all tokens before, and others a window of them. */
function isMixed({ groups }: Stack): boolean {
  const attentions = groups.flatMap(addedBy).filter(({ spec }) => spec?.kind === 'attention');
  return attentions.some(isLimited) && !attentions.every(isLimited);
}

function fieldsOf(group: Group, address: string, mixed: boolean): StripCell['fields'] {
  const { template } = group;
  const known = addedBy(group);
  const first = new Map<Hue, StripField>();
  // What mixes tokens is on the left, as in the cards.
  for (const block of known.sort((a, b) => describe(a).side - describe(b).side)) {
    const { hue } = describe(block);
    const own = address + block.address.slice(template.address.length);
    if (!first.has(hue)) first.set(hue, { hue, address: own, narrow: mixed && isLimited(block) });
  }
  return [...first.values()];
}

/** How many layers lie between numbers, so that they do not touch. */
function labelStep(pitch: number, run: number): number {
  const steps = [1, 2, 5, 10, 20, 50, 100].map((step) => step * run);
  return steps.find((step) => (step / run) * pitch >= Math.min(LABELS, pitch * 10)) ?? 100 * run;
}

/** The layers that begin a cell, with their groups, bottom to top. */
function begins(stack: Stack, run: number): { group: Group; index: number }[] {
  const found: { group: Group; index: number }[] = [];
  for (const group of stack.groups) {
    for (const index of group.layers) if (index % run === 0) found.push({ group, index });
  }
  return found.sort((a, b) => a.index - b.index);
}

export function placeStrip(stack: Stack, area: Rect): Strip {
  const layers = stackLayers(stack);
  const run = Math.ceil(layers / MOST);
  const count = Math.ceil(layers / run);
  const pitch = Math.min(LARGEST, area.h / count);
  const step = labelStep(pitch, run);
  const bottom = area.y + area.h;
  const mixed = isMixed(stack);
  const cells = begins(stack, run).map(({ group, index }) => ({
    key: `${stack.name}:${index}`,
    index,
    last: Math.min(index + run, layers) - 1,
    address: layerAddress(stack, index),
    group: groupKey(stack, group),
    fields: fieldsOf(group, layerAddress(stack, index), mixed),
    title: titlesOf(stack, group)[0] ?? '',
    label: index % step === 0 ? String(index) : '',
    x: area.x,
    y: bottom - (index / run + 1) * pitch,
    w: area.w,
    h: pitch,
  }));
  return { key: `strip:${stack.name}`, stack: stack.name, cells, ...area, y: bottom - count * pitch, h: count * pitch };
}

/** From a card's cells to the card: from all of them where they lie together, else from the one it is bound to. */
export function placeFans(strip: Strip, cards: readonly Card[]): Fan[] {
  return cards.flatMap((card) => {
    const mine = strip.cells.filter((cell) => cell.group === card.group);
    const [lowest] = mine;
    const highest = mine.at(-1);
    const together = lowest && highest && highest.last - lowest.index === card.layers.length - 1;
    const shown = (cell: StripCell) => cell.index <= card.index && card.index <= cell.last;
    const from = together ? mine : strip.cells.filter(shown);
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
    return [{ key: `fan:${card.key}`, hue: last.fields.at(-1)?.hue ?? 'other', points }];
  });
}
