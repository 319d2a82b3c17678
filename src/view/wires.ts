/** Wires: from the stream to a block, and back to its plus with the update's size as their width. */
import type { BlockBox, CellBox, Line, Point } from '../layout';
import { attr, nth, put, s } from './dom';
import { join } from './join';
import type { Look } from './look';

const TURN = { near: 9, far: 11 };
const BEND = 6;
/** Half of the widest wire. */
const OVER = 10;
const STATIC = 3;
const LIVE = { least: 1, more: 13, most: 18 };
/** Where an arrowhead ends, from the stream. */
const TIP = 11;
const HEAD = 9;

/** Leaves the rising stream on a quarter turn, then runs level. */
function readPath({ spine, readY, readX, rise, side, reads }: Line): string {
  if (!reads) return '';
  const r = side === -1 ? TURN.near : TURN.far;
  const leaves = `M${spine},${readY + r} Q${spine},${readY} ${spine + side * r},${readY}`;
  if (!rise) return `${leaves} H${readX}`;
  const { x, y } = rise;
  const b = side * BEND;
  return `${leaves} H${x - b} Q${x},${readY} ${x},${readY - BEND} V${y + BEND} Q${x},${y} ${x + b},${y} H${readX}`;
}

/** Where it goes over wires of others. */
function passing({ rise, reads }: Line): string {
  return reads ? (rise?.over ?? []).map((y) => `M${rise?.x},${y - OVER} V${y + OVER}`).join(' ') : '';
}

/** Where it arrives at its box. */
function readHead({ readX: x, readY, rise, side, reads, bus }: Line): string {
  if (!reads || bus) return '';
  const y = rise?.y ?? readY;
  return `M${x - side * 7},${y - 3.5} L${x},${y} L${x - side * 7},${y + 3.5} Z`;
}

/** Up from a bus into each of its heads, or into the bracket of heads that share keys and values. */
function stubs(line: Line, box: BlockBox): string {
  if (!line.bus) return '';
  const middle = (cell: CellBox) => cell.x + cell.w / 2;
  if (box.brackets.length > 0) {
    return box.brackets.map(({ x1, x2, y }) => `M${(x1 + x2) / 2},${line.readY} V${y}`).join(' ');
  }
  return box.cells.map((cell) => `M${middle(cell)},${line.readY} V${cell.y + cell.h}`).join(' ');
}

/** A band of a constant width with a head. */
function flow(x1: number, x2: number, y: number, width: number): string {
  const direction = Math.sign(x2 - x1);
  const [half, neck] = [width / 2, x2 - direction * HEAD];
  return `M${x1},${y - half} H${neck} V${y - half - 4} L${x2},${y} L${neck},${y + half + 4} V${y + half} H${x1} Z`;
}

interface Bus {
  readonly at: readonly number[];
  readonly shares: readonly number[];
}

/** A band that grows past every head that adds to it: no step, the width is the sum so far. */
function busFlow({ x, y }: Point, { at, shares }: Bus, width: number): string {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const edge: [number, number][] = [];
  let [half, sum] = [0.8, 0];
  at.forEach((middle, i) => {
    edge.push([middle - 8, half]);
    sum += shares[i] ?? 0;
    half = Math.max(0.8, total > 0 ? (width / 2) * (sum / total) : 0.8);
    edge.push([middle + 8, half]);
  });
  const [tip, neck] = [x - TIP, x - TIP - HEAD - 2];
  edge[0] = [(at[0] ?? 0) - 1, edge[0]?.[1] ?? 0.8];
  const upper = edge.map(([px, h]) => `${px.toFixed(1)},${(y - h).toFixed(2)}`);
  const lower = [...edge].reverse().map(([px, h]) => `${px.toFixed(1)},${(y + h).toFixed(2)}`);
  const head = [
    `${neck},${y - half}`,
    `${neck},${y - half - 4}`,
    `${tip},${y}`,
    `${neck},${y + half + 4}`,
    `${neck},${y + half}`,
  ];
  return `M${[...upper, ...head, ...lower].join(' L')} Z`;
}

/** Two slashes across a gap: this does not reach the stream. */
function slashes(x: number, y: number, upright: boolean): string {
  return upright
    ? `M${x - 6},${y + 2} L${x + 6},${y - 2} M${x - 6},${y + 6} L${x + 6},${y + 2}`
    : `M${x - 5},${y + 6} L${x - 1},${y - 6} M${x + 1},${y + 6} L${x + 5},${y - 6}`;
}

/** How wide the wire of an update of some size is. */
export const updateWidth = (ratio: number): number => Math.min(LIVE.most, LIVE.least + LIVE.more * ratio);

function widthOf(line: Line, look: Look): number {
  if (!look.live) return STATIC;
  return updateWidth(look.update(line.address)?.ratio ?? 0);
}

/** From a block up to the one that it feeds. */
function feedPath(line: Line, up: NonNullable<Line['up']>, look: Look): string {
  const { x, from, to } = up;
  if (look.cut(line.address)) {
    const middle = (from + to) / 2;
    return `M${x - 0.8},${from} V${middle + 5} H${x + 0.8} V${from} Z M${x - 0.8},${middle - 5} V${to} H${x + 0.8} V${middle - 5} Z`;
  }
  const [half, neck] = [widthOf(line, look) / 2, to + HEAD];
  return `M${x - half},${from} V${neck} H${x - half - 4} L${x},${to} L${x + half + 4},${neck} H${x + half} V${from} Z`;
}

function writePath(line: Line, box: BlockBox, look: Look): string {
  if (line.up) return feedPath(line, line.up, look);
  if (!line.plus) return '';
  const { x, y } = line.plus;
  const tip = x + line.side * TIP;
  if (look.cut(line.address)) {
    const [near, far] = [x + line.side * 22, x + line.side * 36];
    const { writeX: start } = line;
    return `M${start},${y - 0.8} H${far} V${y + 0.8} H${start} Z M${near},${y - 0.8} H${tip} V${y + 0.8} H${near} Z`;
  }
  const width = widthOf(line, look);
  if (!line.bus) return flow(line.writeX, tip, y, width);
  const shares = box.cells.map((cell) => {
    const norm = look.cut(cell.address) ? 0 : look.norm(cell.address);
    return Number.isNaN(norm) ? 1 : norm;
  });
  return busFlow(line.plus, { at: box.cells.map((cell) => cell.x + cell.w / 2), shares }, width);
}

/** From each head up to the bus: as wide as its share of what is added, cut where it is ablated. */
function risers(line: Line, box: BlockBox, look: Look): { d: string; width: number }[] {
  const { plus } = line;
  if (!line.bus || !plus) return [];
  const width = widthOf(line, look);
  const norms = box.cells.map((cell) => (look.cut(cell.address) ? 0 : look.norm(cell.address) || 0));
  const total = norms.reduce((sum, norm) => sum + norm, 0);
  return box.cells.map((cell, i) => {
    const x = cell.x + cell.w / 2;
    const d = look.cut(cell.address) ? `M${x},${plus.y} V${plus.y + 3.5}` : `M${x},${cell.y} V${plus.y}`;
    return { d, width: Math.max(1.4, total > 0 ? (width * (norms[i] ?? 0)) / total : 1.4) };
  });
}

function cutMarks(line: Line, box: BlockBox, look: Look): string {
  if (line.up && look.cut(line.address)) return slashes(line.up.x, (line.up.from + line.up.to) / 2 - 4, true);
  if (!line.plus) return '';
  const { x, y } = line.plus;
  if (look.cut(line.address)) return slashes(x + line.side * 29, y, false);
  if (!line.bus) return '';
  const cut = box.cells.filter((cell) => look.cut(cell.address));
  return cut.map((cell) => slashes(cell.x + cell.w / 2, y + 5.5, true)).join(' ');
}

export interface WireDrawing {
  paint(look: Look): void;
}

interface Wire {
  readonly key: string;
  readonly line: Line;
  readonly box: BlockBox;
}

const WIRES = ['gb-read-ground', 'gb-read', 'gb-read-head', 'gb-write'];

function makeWire(): SVGGElement {
  const path = (name: string) => s('path', { class: name });
  const risers = s('g', { class: 'gb-risers' });
  return s('g', { class: 'gb-wire' }, ...WIRES.map(path), risers, path('gb-slashes'));
}

function drawWire(group: SVGGElement, { line, box }: Wire): void {
  attr(group, { 'data-hue': line.hue });
  group.classList.toggle('gb-assumed', line.assumed);
  attr(nth(group, 0), { d: passing(line) });
  attr(nth(group, 1), { d: `${readPath(line)} ${stubs(line, box)}` });
  attr(nth(group, 2), { d: readHead(line) });
}

function paintWire(group: SVGGElement, { line, box }: Wire, look: Look): void {
  put(nth(group, 3), 'd', writePath(line, box, look));
  for (const [path, { d, width }] of join(nth(group, 4), 'path', risers(line, box, look), () => s('path'))) {
    put(path, 'd', d);
    put(path, 'stroke-width', width.toFixed(2));
  }
  const marks = cutMarks(line, box, look);
  put(nth(group, 5), 'd', marks);
  nth(group, 5).classList.toggle('gb-on', marks !== '');
}

export function drawWires(layer: Element, lines: readonly Line[], boxes: readonly BlockBox[]): WireDrawing {
  const of = new Map(boxes.map((box) => [box.address, box]));
  const all = lines.flatMap((line): Wire[] => {
    const box = of.get(line.address);
    return box ? [{ key: line.key, line, box }] : [];
  });
  const wires = join(layer, 'g', all, makeWire);
  for (const [group, wire] of wires) drawWire(group, wire);
  return {
    paint(look) {
      for (const [group, wire] of wires) paintWire(group, wire, look);
    },
  };
}
