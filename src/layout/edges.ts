/**
 * Edges between stacks. Stacks stand one above the other, the main one on top. What leaves a stack goes up out of its
 * stream through the blocks on its way, then along a rail beside the cards to where it arrives: at the layers that look
 * at it, or where it joins the stream below the first layer.
 */
import type { Edge, Stack } from '../wire/types.generated';
import { END_HEIGHT, placeRow } from './ends';
import type { Card, EdgeLine, EndBox, Point } from './scene';
import type { Measure } from './text';

const WORDS: Record<Edge['kind'], string> = {
  'cross-attention': 'is looked at by',
  stream: 'becomes the stream of',
  merge: 'joins the tokens of',
};

/** Between rails, and from the last one to the edge of the picture. */
const RAIL = 7;
/** From the cards to the first rail: room for an arrow's head. */
const ASIDE = 16;
export const LABEL_HEIGHT = 20;
const ABOVE = 14;

/** How much of the width rails take. */
export function railsWidth(edges: readonly Edge[]): number {
  return edges.length === 0 ? 0 : ASIDE + edges.length * RAIL;
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
  place: { spine: number; width: number; measure: Measure },
): { leaving: Leaving[]; bottom: number } {
  let y = top;
  const leaving = edges.map((edge): Leaving => {
    const from = { x: place.spine, y: y + LABEL_HEIGHT };
    const boxes = placeRow(edge.via, from.y + ABOVE, place);
    y = boxes.length > 0 ? from.y + ABOVE + END_HEIGHT + ABOVE : from.y + ABOVE;
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

export function placeEdges(leaving: readonly Leaving[], arrivals: readonly Arrivals[], right: number): EdgeLine[] {
  return leaving.flatMap(({ edge, from, boxes }, i) => {
    const to = arrivals.find(({ stack }) => stack.name === edge.target);
    if (!to) return [];
    const rail = right + ASIDE + i * RAIL;
    const ends =
      edge.kind === 'cross-attention'
        ? looking(to, edge.source).map((card) => ({ x: card.x + card.w, y: card.y + card.h / 2 }))
        : [to.joins];
    const highest = Math.min(from.y, ...ends.map(({ y }) => y));
    const start = from.y + ABOVE + (boxes[0] ? END_HEIGHT + ABOVE : 0);
    const target = edge.target === '' ? 'the model' : edge.target;
    return [
      {
        key: `edge:${edge.source}:${edge.target}:${edge.kind}`,
        label: `${edge.source} ${WORDS[edge.kind]} ${target}`,
        labelAt: { x: from.x + 10, y: from.y - 5 },
        trunk: [{ x: from.x, y: start }, from, { x: rail, y: from.y }, { x: rail, y: highest }],
        ends: ends.map((end): [Point, Point] => [{ x: rail, y: end.y }, end]),
        assumed: edge.evidence === 'assumed',
      },
    ];
  });
}

function looking({ cards, stack }: Arrivals, source: string): Card[] {
  const groups = stack.groups.filter((group) => group.template.branches.some((branch) => branch.context === source));
  const layers = new Set(groups.flatMap((group) => group.layers));
  return cards.filter((card) => layers.has(card.index));
}
