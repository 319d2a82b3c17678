/**
 * Edges between stacks. Stacks stand one above the other, the main one on top. What leaves a stack goes up out of its
 * stream through the blocks on its way, then along a rail beside the cards to where it arrives: at the blocks that look
 * at it, or where it joins the stream below the first layer. What becomes the stream of the next stack goes straight up.
 */
import type { Architecture, Edge, Stack } from '../wire/types.generated';
import { type EndsOf, placeRow, rowHeight } from './ends';
import { layerRange } from './format';
import type { Arrival, BlockBox, Card, EdgeLine, EndBox, Point } from './scene';
import { fitting, type Measure } from './text';

const WORDS: Record<Edge['kind'], string> = {
  'cross-attention': 'is looked at by',
  stream: 'becomes the stream of',
  merge: 'joins the tokens of',
};

/** Between rails, and from the last one to the edge of the picture. */
const RAIL = 7;
/** From the cards to the first rail: room for an arrow's head. */
const ASIDE = 16;
const LABEL_HEIGHT = 20;
const ABOVE = 14;

/** Whether an edge needs no rail: it becomes the stream of the stack above its own, which nothing else comes into. */
const isStraight = ({ edges, stacks, inputs }: Architecture, edge: Edge): boolean => {
  const from = stacks.findIndex(({ name }) => name === edge.source);
  const above = stacks[from + 1];
  const arrives = edges.filter(({ target, kind }) => target === edge.target && kind !== 'cross-attention');
  return (
    edge.kind === 'stream' &&
    above?.name === edge.target &&
    arrives.length === 1 &&
    (above === stacks.at(-1) ? inputs : above.inputs).length === 0 &&
    edges.filter(({ source }) => source === edge.source).length === 1
  );
};

/** The edges that go along a rail, each with its own. */
const railed = (architecture: Architecture) => architecture.edges.filter((edge) => !isStraight(architecture, edge));

/** How much of the width rails take. */
export function railsWidth(architecture: Architecture): number {
  const { length } = railed(architecture);
  return length === 0 ? 0 : ASIDE + length * RAIL;
}

export interface Leaving {
  readonly edge: Edge;
  /** Where its line begins to go aside. */
  readonly from: Point;
  readonly boxes: readonly EndBox[];
  readonly bottom: number;
}

/** Place what leaves a stack above it: the blocks on its way, and a line of words. */
export function placeLeaving(
  edges: readonly Edge[],
  top: number,
  place: EndsOf,
): { leaving: Leaving[]; bottom: number } {
  let y = top;
  const leaving = edges.map((edge): Leaving => {
    const from = { x: place.spine, y: y + LABEL_HEIGHT };
    const boxes = placeRow(edge.via, from.y + ABOVE, place);
    y = boxes.length > 0 ? from.y + ABOVE + rowHeight(boxes) + ABOVE : from.y + ABOVE;
    return { edge, from, boxes, bottom: y };
  });
  return { leaving, bottom: y };
}

/** Where an edge arrives: at the cards that look at it, or where the stream begins. */
export interface Arrivals {
  readonly stack: Stack;
  readonly cards: readonly Card[];
  readonly joins: Point;
}

export function placeEdges(
  architecture: Architecture,
  leaving: readonly Leaving[],
  arrivals: readonly Arrivals[],
  { right, measure }: { right: number; measure: Measure },
): EdgeLine[] {
  const rails = railed(architecture);
  return leaving.flatMap(({ edge, from }, i) => {
    const to = arrivals.find(({ stack }) => stack.name === edge.target);
    if (!to) return [];
    const straight = !rails.includes(edge);
    const rail = straight ? from.x : right + ASIDE + Math.max(0, rails.indexOf(edge)) * RAIL;
    const ends = straight ? [] : endsOf(edge, to, rail);
    const highest = Math.min(straight ? to.joins.y : from.y, ...ends.map((end) => end.to.y));
    const start = startOf(leaving, i);
    const target = edge.target === '' ? 'the model' : edge.target;
    const source = arrivals.find(({ stack }) => stack.name === edge.source)?.stack;
    const [leaves = '', counted = ''] = source ? after(source, edge) : [];
    const tail = `${words(edge)} ${target}${before(edge)}`;
    const whole = `${edge.source}${leaves} ${tail}`;
    // Beside the stream, before the rail: what leaves a stack stands above it, so that its name can be spared.
    const shortest = edge.enters.length > 0 ? [`joins ${target}${before(edge)}`] : [];
    const texts = [whole, `${edge.source}${counted} ${tail}`, tail, ...shortest];
    const label = fitting(texts, right - 6 - from.x - 10, measure);
    return [
      {
        key: ['edge', edge.source, edge.target, edge.kind, ...edge.enters].join(':'),
        label,
        title: [label === whole ? '' : whole, source ? idle(source) : ''].filter((text) => text !== '').join('. '),
        labelAt: { x: from.x + 10, y: from.y - 5 },
        trunk: [{ x: from.x, y: start }, from, { x: rail, y: from.y }, { x: rail, y: highest }],
        ends,
        via: edge.via.map(({ address }) => address),
        assumed: edge.evidence === 'assumed',
      },
    ];
  });
}

/** Where a line begins: at the stream, or under the blocks on its way; below it are lines of others that leave there. */
function startOf(leaving: readonly Leaving[], i: number): number {
  const [own, next] = [leaving[i] as Leaving, leaving[i + 1]];
  const shared = own.boxes.length === 0 && next?.edge.source === own.edge.source && next.boxes.length === 0;
  return shared ? startOf(leaving, i + 1) : own.bottom;
}

function endsOf(edge: Edge, to: Arrivals, rail: number): Arrival[] {
  const level = ({ x, y }: Point, over: number | null = null) => ({ from: { x: rail, y }, to: { x, y }, over });
  if (edge.enters.length > 0) return entered(to.cards, edge).map((card) => level(beside(card)));
  if (edge.kind !== 'cross-attention') return [level(to.joins)];
  return looking(to, edge.source).flatMap((card) => {
    const arriving = atBlocks(to, card, edge.source);
    return arriving.length > 0 ? arriving.map(([point, spine]) => level(point, spine)) : [level(beside(card))];
  });
}

const beside = ({ x, y, w, h }: Card): Point => ({ x: x + w, y: y + h / 2 });

/** Where a line arrives at the blocks of a card that look at a stack: between the wires of each, over the stream. */
function atBlocks({ stack }: Arrivals, card: Card, source: string): [Point, number | null][] {
  const group = stack.groups.find(({ layers }) => layers.includes(card.index));
  const branches = (group?.template.branches ?? []).filter(({ context }) => context !== null);
  const named = branches.filter(({ context }) => context === source);
  const names = new Set((named.length > 0 ? named : branches).map(({ block }) => block.split('.').at(-1)));
  return card.blocks.flatMap((box): [Point, number | null][] => {
    const line = card.lines.find(({ address }) => address === box.address);
    if (!names.has(box.name) || box.form === 'bus' || !line?.plus || !line.reads) return [];
    const point = { x: box.x + box.w, y: Math.round((line.plus.y + (line.rise ?? { y: line.readY }).y) / 2) };
    return card.blocks.some((other) => other !== box && crosses(other, point))
      ? []
      : [[point, box.side === 1 ? null : line.spine]];
  });
}

/** Whether a box on the right of the stream is in the way of a level line. */
const crosses = ({ side, y, h }: BlockBox, point: Point) => side === 1 && y - 2 < point.y && point.y < y + h + 2;

/** Which layers an edge comes from, where that is not the last one alone, and how many they are. */
function after(stack: Stack, { leaves }: Edge): string[] {
  const usual = leaves.length === 0 || (leaves.length === 1 && leaves[0] === layersOf(stack) - 1);
  if (usual) return [];
  const each = ` after ${leaves.map((index) => `L${index}`).join(', ')}`;
  return [each, leaves.length === 1 ? each : ` after ${leaves.length} layers`];
}

function words({ kind, enters }: Edge): string {
  return enters.length > 0 ? 'joins the stream of' : WORDS[kind];
}

/** Before which layers of its target an edge joins the stream, where that is not below the first. */
function before({ enters }: Edge): string {
  return enters.length === 0 ? '' : ` before ${enters.map((index) => `L${index}`).join(', ')}`;
}

/** The cards of the layers before which an edge joins the stream. */
function entered(cards: readonly Card[], { enters }: Edge): Card[] {
  return cards.filter(({ folded, layers, index }) => (folded ? layers : [index]).some((one) => enters.includes(one)));
}

/** Which of its layers run for nothing, in words; empty where none does. */
function idle(stack: Stack): string {
  if (stack.used === null) return '';
  const unused = Array.from({ length: layersOf(stack) - stack.used.value }, (_, i) => (stack.used?.value ?? 0) + i);
  return `What the model returns is not made of ${layerRange(unused, stack.name)}.`;
}

const layersOf = (stack: Stack) => stack.groups.reduce((count, { layers }) => count + layers.length, 0);

/** The layers that look at a stack; at what several stacks make together, each look names one of them. */
function looking({ cards, stack }: Arrivals, source: string): Card[] {
  const at = (name: string | null) => (group: Stack['groups'][number]) =>
    group.template.branches.some(({ context }) => context !== null && (name === null || context === name));
  const named = stack.groups.filter(at(source));
  const groups = named.length > 0 ? named : stack.groups.filter(at(null));
  const layers = new Set(groups.flatMap((group) => group.layers));
  return cards.filter((card) => layers.has(card.index));
}
