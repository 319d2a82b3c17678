/**
 * The map of a sweep: a row for each layer, the last at the top; what mixes tokens and its heads left of the stream, what
 * follows and its experts right of it. Many cells of one block stand in several lines.
 */
import type { Site } from '../wire/types.generated';

export interface SweepCell {
  readonly address: string;
  /** A block has room for its number, its heads and experts are cells. */
  readonly kind: 'block' | 'cell';
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface SweepRow {
  /** Address of the layer. */
  readonly address: string;
  readonly y: number;
  readonly h: number;
  readonly cells: readonly SweepCell[];
}

/** A name over a column. */
export interface SweepHead {
  readonly name: string;
  readonly x: number;
}

export interface SweepMap {
  readonly width: number;
  readonly height: number;
  /** Where the stream is. */
  readonly spine: number;
  readonly rows: readonly SweepRow[];
  readonly heads: readonly SweepHead[];
}

const LABEL = 40;
const HEAD = 20;
const FOOT = 14;
/** Left and right of the stream. */
const ASIDE = 20;
const GAP = 3;
const BLOCK = { least: 44, most: 110 };
const CELL = { least: 4, most: 44 };
/** More cells than this go on in another line. */
const PER_LINE = 32;
const ROW = { least: 9, most: 44, all: 460 };
/** From this width on a head's column has its name. */
const NAMED = 20;

interface Part {
  readonly address: string;
  readonly cells: readonly string[];
}

interface Layer {
  readonly address: string;
  readonly left: readonly Part[];
  readonly right: readonly Part[];
}

/** The blocks of each layer, the first layer first. */
function layersOf(sites: readonly Site[], sideOf: (address: string) => -1 | 1): Layer[] {
  const cells = new Map<string, string[]>();
  const layers = new Map<string, Part[]>();
  for (const { address, kind } of sites) {
    if (kind === 'head' || kind === 'expert') {
      const block = address.slice(0, address.lastIndexOf('.'));
      cells.set(block, [...(cells.get(block) ?? []), address]);
    }
  }
  for (const { address, kind } of sites) {
    const layer = /^((?:\w+\.)?L\d+)\./.exec(address)?.[1];
    if (kind !== 'block' || layer === undefined) continue;
    layers.set(layer, [...(layers.get(layer) ?? []), { address, cells: cells.get(address) ?? [] }]);
  }
  return [...layers].map(([address, parts]) => ({
    address,
    left: parts.filter((part) => sideOf(part.address) === -1),
    right: parts.filter((part) => sideOf(part.address) === 1),
  }));
}

const most = (values: readonly number[]) => values.reduce((all, value) => Math.max(all, value), 0);
const columnsOf = (parts: readonly Part[]) =>
  parts.reduce((all, { cells }) => all + Math.min(PER_LINE, cells.length), 0);
const linesOf = ({ left, right }: Layer) =>
  most([...left, ...right].map(({ cells }) => Math.ceil(cells.length / PER_LINE)));

interface Sizes {
  readonly cell: number;
  readonly block: number;
  readonly row: number;
  readonly spine: number;
}

function sizesOf(layers: readonly Layer[], width: number): Sizes {
  const columns = {
    left: most(layers.map(({ left }) => columnsOf(left))),
    right: most(layers.map(({ right }) => columnsOf(right))),
  };
  const blocks = {
    left: most(layers.map(({ left }) => left.length)),
    right: most(layers.map(({ right }) => right.length)),
  };
  const room = width - LABEL - 2 * ASIDE;
  const all = columns.left + columns.right;
  const both = blocks.left + blocks.right;
  const forCells = room - both * (BLOCK.least + 2 * GAP);
  const cell = Math.max(CELL.least, Math.min(CELL.most, forCells / Math.max(1, all)));
  const block = Math.max(BLOCK.least, Math.min(BLOCK.most, (room - cell * all) / Math.max(1, both) - 2 * GAP));
  const row = Math.max(ROW.least, Math.min(ROW.most, ROW.all / Math.max(1, layers.length)));
  return { cell, block, row, spine: LABEL + columns.left * cell + blocks.left * (block + 2 * GAP) + ASIDE };
}

/** A block and its cells, from the stream outwards. Returns where the next one begins. */
function placePart(
  part: Part,
  from: number,
  out: -1 | 1,
  row: { y: number; h: number },
  sizes: Sizes,
): { cells: SweepCell[]; end: number } {
  const { cell, block } = sizes;
  const gap = row.h >= 14 ? 2 : 1;
  const flat = Math.min(row.h - gap, 28);
  const box: SweepCell = {
    address: part.address,
    kind: 'block',
    x: out === 1 ? from : from - block,
    y: row.y + (row.h - flat) / 2,
    w: block,
    h: flat,
  };
  const columns = Math.min(PER_LINE, part.cells.length);
  const lines = Math.max(1, Math.ceil(part.cells.length / PER_LINE));
  const tall = lines === 1 ? flat : (row.h - gap) / lines;
  const start = out === 1 ? from + block + 2 * GAP : from - block - 2 * GAP - columns * cell;
  const top = lines === 1 ? box.y : row.y + gap / 2;
  const cells = part.cells.map(
    (address, i): SweepCell => ({
      address,
      kind: 'cell',
      x: start + (i % PER_LINE) * cell,
      y: top + Math.floor(i / PER_LINE) * tall,
      w: cell - (cell >= 8 ? GAP : 1),
      h: lines === 1 ? tall : tall - 1,
    }),
  );
  const end = out === 1 ? from + block + 4 * GAP + columns * cell : start - 2 * GAP;
  return { cells: [box, ...cells], end };
}

function placeRow(layer: Layer, y: number, h: number, sizes: Sizes): SweepRow {
  const cells: SweepCell[] = [];
  for (const [parts, out] of [
    [layer.left, -1],
    [layer.right, 1],
  ] as const) {
    let from = sizes.spine + out * ASIDE;
    for (const part of parts) {
      const placed = placePart(part, from, out, { y, h }, sizes);
      cells.push(...placed.cells);
      from = placed.end;
    }
  }
  return { address: layer.address, y, h, cells };
}

/** Names of columns, where rows do not have too many different ones and they have room. */
function headsOf(rows: readonly SweepRow[], cell: number): SweepHead[] {
  const names = new Map<number, Set<string>>();
  for (const { cells } of rows) {
    for (const { address, kind, x, w } of cells) {
      if (kind === 'cell' && cell < NAMED) continue;
      const middle = Math.round(x + w / 2);
      names.set(middle, (names.get(middle) ?? new Set()).add(address.slice(address.lastIndexOf('.') + 1)));
    }
  }
  return [...names].flatMap(([x, all]) => (all.size <= 2 ? [{ name: [...all].sort().join(' / '), x }] : []));
}

/** Place what can be swept into a width. */
export function layoutSweep(sites: readonly Site[], sideOf: (address: string) => -1 | 1, width: number): SweepMap {
  const layers = layersOf(sites, sideOf);
  const sizes = sizesOf(layers, width);
  let y = HEAD;
  const rows = [...layers].reverse().map((layer) => {
    const lines = linesOf(layer);
    const h = Math.max(sizes.row, lines > 1 ? lines * Math.max(CELL.least, Math.min(sizes.cell, 8)) + 2 : 0);
    const row = placeRow(layer, y, h, sizes);
    y += h;
    return row;
  });
  const right = most(rows.flatMap(({ cells }) => cells.map(({ x, w }) => x + w)));
  return {
    width: Math.max(width, Math.ceil(right)),
    height: Math.ceil(y + FOOT),
    spine: sizes.spine,
    rows,
    heads: headsOf(rows, sizes.cell),
  };
}

/** The cell at a point, in the map's own pixels; what is between two cells is the nearer one's. */
export function cellAt(map: SweepMap, x: number, y: number): SweepCell | null {
  const row = map.rows.find((one) => y >= one.y && y < one.y + one.h);
  return (
    row?.cells.find(
      (cell) => x >= cell.x - 1 && x < cell.x + cell.w + 2 && y >= cell.y - 1 && y < cell.y + cell.h + 1,
    ) ?? null
  );
}
