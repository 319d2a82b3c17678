/** An Architecture as a scene: deterministic, without a DOM, and fast enough to be made anew whenever the width changes. */
import type { Architecture, Group, Layer, Stack } from '../wire/types.generated';
import { knowsActive } from './active';
import { placeCard, sidesOf, sizeCard } from './card';
import { type Columns, columns, diagramWidth } from './columns';
import { type Arrivals, type Leaving, placeEdges, placeLeaving, railsWidth } from './edges';
import { placeRow, placeTop, rowHeight } from './ends';
import { describe } from './kinds';
import { groupKey, layerCount, layerOf } from './model';
import { openedAs, openedOf } from './opened';
import type { Card, Scene, Spine } from './scene';
import { placeFans, placeStrip } from './strip';
import type { Measure } from './text';

/** Up to this many layers each has a card of its own. */
const UNFOLDED = 6;

export interface LayoutOptions {
  readonly width: number;
  readonly live: boolean;
  readonly bound: Readonly<Record<string, number>>;
  readonly measure: Measure;
  /** Whether the layers of one kind share a card; where not given, as many layers as there are decide. */
  readonly folded?: boolean;
  /** The address of the block that shows its inside. */
  readonly opened?: string | null;
}

interface Shown {
  readonly group: Group;
  readonly layer: Layer;
}

const TOP = 8;
const BETWEEN_CARDS = 8;
const BETWEEN_FOLDED = 20;
const BETWEEN_STACKS = 34;

/** The layers that have cards, bottom to top. */
function shownLayers(stack: Stack, folded: boolean, bound: LayoutOptions['bound']): Shown[] {
  if (!folded) {
    const all = stack.groups.flatMap((group) =>
      group.layers.map((index) => ({ group, layer: layerOf(stack, group, index) })),
    );
    return all.sort((a, b) => a.layer.index - b.layer.index);
  }
  return [...stack.groups]
    .sort((a, b) => (a.layers[0] ?? 0) - (b.layers[0] ?? 0))
    .map((group) => {
      const wanted = bound[groupKey(stack, group)];
      const index = wanted !== undefined && group.layers.includes(wanted) ? wanted : (group.layers[0] ?? 0);
      return { group, layer: layerOf(stack, group, index) };
    });
}

interface Part {
  readonly scene: Omit<Scene, 'width' | 'height' | 'live' | 'edges'>;
  readonly arrivals: Arrivals;
  readonly bottom: number;
}

/** Where a line comes into a stream below its first layer: beside the arrow of what is embedded, where there is one. */
const joinAt = (spine: number, bottom: number, arrow: boolean) => ({
  x: spine + (arrow ? 6 : 2),
  y: bottom + (arrow ? 8 : 6),
});

const endsPlace = ({ spine, single, card }: Columns, { width, measure }: LayoutOptions) => ({
  ...{ spine, width, measure },
  from: single ? card.x : null,
});

/** The cards of a stack, the last layer's on top. */
function placeCards(stack: Stack, top: number, columns: Columns, options: LayoutOptions & { active: boolean }) {
  const { live, measure, active, bound } = options;
  const folded = columns.strip !== null;
  const gap = folded ? BETWEEN_FOLDED : BETWEEN_CARDS;
  const cards: Card[] = [];
  let y = top;
  for (const { group, layer } of shownLayers(stack, folded, bound).reverse()) {
    const opened = openedOf(stack, group, layer, folded, options.opened ?? null);
    const sized = sizeCard({ stack, group, layer, folded, live, columns, measure, active, opened });
    cards.push(placeCard(sized, y));
    y += sized.height + gap;
  }
  return { cards, bottom: y - gap };
}

function placeStack(architecture: Architecture, stack: Stack, from: number, of: Columns, options: LayoutOptions): Part {
  const { stacks } = architecture;
  const active = knowsActive(architecture);
  const place = endsPlace(of, options);
  // What is around the main stack is the architecture's own.
  const { inputs, outputs } = stack === stacks.at(-1) ? architecture : stack;
  const phantoms = stack === stacks.at(-1) ? architecture.phantoms : [];
  const top = placeTop([...phantoms, ...outputs], from, place);
  const { cards, bottom: cardsBottom } = placeCards(stack, top.bottom, of, { ...options, active });
  const row = placeRow(inputs, cardsBottom + 16, place);
  const bottom = row.length > 0 ? cardsBottom + 16 + rowHeight(row) : cardsBottom + 12;
  const spine: Spine = {
    key: `spine:${stack.name}`,
    x: of.spine,
    top: top.spineTop,
    bottom: row.length > 0 ? cardsBottom + 16 : bottom,
    label: [stacks.length > 1 ? stack.name : '', stack.streams ? `${stack.streams.value} streams` : '']
      .filter((word) => word !== '')
      .join(', '),
  };
  const area = of.strip && { ...of.strip, y: top.bottom, h: cardsBottom - top.bottom };
  const strip = area ? placeStrip(stack, area) : null;
  return {
    scene: {
      spines: [spine],
      ends: [...top.boxes, ...row],
      ticks: top.ticks,
      cards,
      strips: strip ? [strip] : [],
      fans: strip ? placeFans(strip, cards) : [],
    },
    arrivals: { stack, cards, joins: joinAt(of.spine, cardsBottom, row.length > 0) },
    bottom,
  };
}

/** The columns of all cards, by what their layers hold. */
function columnsOf(architecture: Architecture, width: number, given: LayoutOptions): Columns {
  const templates = architecture.stacks.flatMap((stack) =>
    stack.groups.map(({ template }) => ({ template, width: stack.width.value })),
  );
  return columns({
    width,
    folded: given.folded ?? layerCount(architecture) > UNFOLDED,
    live: given.live,
    across: templates.some(
      ({ template }) => template.entry_norm !== null || template.branches.some((one) => one.stream_norm !== null),
    ),
    blocks: templates.flatMap(({ template, width }) => template.blocks.map((block) => describe(block, width))),
    onRight: templates.some(({ template, width }) => [...sidesOf(template, width).values()].includes(1)),
    opened: openedAs(architecture, given.opened ?? null, given.measure),
  });
}

/** Place everything. The width is what there is; a diagram takes no more of it than it can use. */
export function layoutScene(architecture: Architecture, given: LayoutOptions): Scene {
  const rails = railsWidth(architecture);
  const of = columnsOf(architecture, diagramWidth(given.width) - rails, given);
  const options = { ...given, width: of.card.x + of.card.w };
  const parts: Part[] = [];
  const leaving: Leaving[] = [];
  const place = endsPlace(of, options);
  let y = TOP;
  // The stack that ends in the prediction is on top; what leaves another one is above it.
  for (const stack of [...architecture.stacks].reverse()) {
    const mine = placeLeaving(
      architecture.edges.filter((edge) => edge.source === stack.name),
      y,
      place,
    );
    leaving.push(...mine.leaving);
    const part = placeStack(architecture, stack, mine.bottom, of, options);
    parts.push(part);
    y = part.bottom + BETWEEN_STACKS;
  }
  const arrivals = parts.map((part) => part.arrivals);
  const all = <K extends keyof Part['scene']>(key: K) => parts.flatMap((part) => part.scene[key] as unknown[]);
  return {
    width: options.width + rails,
    height: y - BETWEEN_STACKS + TOP,
    live: options.live,
    spines: all('spines'),
    ends: [...(all('ends') as Scene['ends']), ...leaving.flatMap(({ boxes }) => boxes)],
    ticks: all('ticks'),
    cards: all('cards'),
    strips: all('strips'),
    fans: all('fans'),
    edges: placeEdges(architecture, leaving, arrivals, { right: options.width, measure: options.measure }),
  } as Scene;
}

export { groupKey, locate, placeOf } from './model';
export type * from './scene';
