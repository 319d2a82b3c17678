/**
 * Walking the diagram with the keyboard. Items are put into the lines in which they are seen: up and down go from line
 * to line and keep the column, left and right go along a line and on to the other side of the stream. One item at a time
 * is in the tab order.
 */
import type { BlockBox, Card, Scene } from '../layout';

export interface Item {
  readonly key: string;
  readonly address: string;
  readonly x: number;
  readonly y: number;
}

/** One line of items, seen from left to right. */
export type ItemLine = readonly Item[];

const centre = (of: { key: string; address: string; x: number; y: number; w: number; h: number }): Item => ({
  key: of.key,
  address: of.address,
  x: of.x + of.w / 2,
  y: of.y + of.h / 2,
});

function cellLines(block: BlockBox): ItemLine[] {
  const lines: Item[][] = [];
  for (const cell of block.cells) {
    const row = Math.floor(cell.index / block.columns);
    const line = lines[row] ?? [];
    lines[row] = line;
    line.push(centre(cell));
  }
  return lines;
}

/** The lines of a block: its name, then its cells. */
function blockLines(block: BlockBox): ItemLine[] {
  const rect = block.form === 'bus' ? block.title : { ...block, h: 30 };
  const parts = block.parts.map((part) => [centre(part)]);
  return [[centre({ ...rect, key: block.key, address: block.address })], ...cellLines(block), ...parts];
}

function cardLines(card: Card): ItemLine[] {
  const chip = centre({ ...card.chip, key: card.key, address: card.address });
  return [[chip], ...card.blocks.flatMap(blockLines)];
}

/** All lines of a scene. Within a card those of both sides stand one after the other, each from top to bottom. */
export function linesOf(scene: Scene): ItemLine[] {
  const ends = scene.ends.map(centre);
  const tops = new Set(ends.map((end) => end.y));
  const endLines = [...tops].map((y) => ends.filter((end) => end.y === y));
  return [...endLines, ...scene.cards.flatMap(cardLines)].filter((line) => line.length > 0);
}

/** How much further a step sideways counts than one in the direction that was asked for. */
const ASIDE = 2.5;

function nearest(items: readonly Item[], cost: (item: Item) => number): Item | null {
  return items.reduce<Item | null>((best, item) => (best === null || cost(item) < cost(best) ? item : best), null);
}

const STEP: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Where a key goes from an item; null where it goes nowhere. */
export function move(lines: readonly ItemLine[], from: string, key: string): Item | null {
  const line = lines.find((one) => one.some((item) => item.key === from));
  const at = line?.findIndex((item) => item.key === from) ?? -1;
  const item = line?.[at];
  if (!line || !item) return lines[0]?.[0] ?? null;
  if (key === 'Home') return line[0] ?? null;
  if (key === 'End') return line.at(-1) ?? null;
  const step = STEP[key];
  if (!step) return null;
  const [dx, dy] = step;
  const along = dx !== 0 ? line[at + dx] : undefined;
  if (along) return along;
  const others = lines.filter((one) => one !== line).flat();
  const ahead = others.filter((one) => (one.x - item.x) * dx + (one.y - item.y) * dy > 1);
  const far = (one: Item) =>
    Math.abs(one.x - item.x) * (dx !== 0 ? 1 : ASIDE) + Math.abs(one.y - item.y) * (dy !== 0 ? 1 : ASIDE);
  return nearest(ahead, far);
}
