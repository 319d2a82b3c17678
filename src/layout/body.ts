/**
 * How much room a block needs, and, once it is known where the block is, where its insides go. Measuring comes first
 * because the stream's arithmetic (`stream.ts`) decides the places from the sizes.
 */
import type { Block } from '../wire/types.generated';
import { activeIn } from './active';
import { type Grid, gridHeight, gridOf, gridWidth, placeCells } from './cells';
import { big, percent } from './format';
import { expertsOf, type InsideScene, layoutInside } from './inside';
import { endsOf, middleOf } from './inside/leads';
import { type Description, describe } from './kinds';
import { AROUND } from './opened';
import type { BlockBox, CellBox, PartBox, Rect, Row } from './scene';
import { fitting, type Measure } from './text';

/** Room that a block needs; distances in pixels. */
export interface Body {
  readonly block: Block;
  readonly description: Description;
  readonly form: BlockBox['form'];
  readonly side: -1 | 1;
  readonly column: { readonly x: number; readonly w: number };
  readonly height: number;
  /** From its lower edge up to where it reads. */
  readonly below: number;
  /** From where it writes up to its upper edge. */
  readonly above: number;
  /** Least distance between where it reads and where it writes. */
  readonly span: number;
  /** Room under it for the words about its update. */
  readonly under: number;
  readonly grid: Grid | null;
  /** Boxes beside the cells. */
  readonly parts: readonly PartBox[];
  /** What is inside of it, where it is opened. */
  readonly inside: InsideScene | null;
}

export interface BodyContext {
  readonly live: boolean;
  readonly width: number;
  readonly left: { readonly x: number; readonly w: number };
  readonly right: { readonly x: number; readonly w: number };
  readonly measure: Measure;
  readonly layerParams: number;
  /** Whether what one token passes through in a block is known. */
  readonly active: boolean;
  /** The block that shows its inside. */
  readonly opened: string | null;
}

const nameOf = (address: string) => address.slice(address.lastIndexOf('.') + 1);

const INSET = 10;
const TITLE = 28;
const ROW = 17;
const SHARE = 32;
const WORDS = 46;
/** More heads than this do not fit side by side over one wire. */
const BUS_HEADS = 8;
const PART = { share: 0.42, most: 150, aside: 12, inset: 8, title: 22, line: 14, gap: 6 };
const BUS = { cell: 22, gap: 8, tight: 4, drop: 14, rise: 9 };

function insideOf(block: Block, width: number, { opened, measure }: BodyContext): InsideScene | null {
  if (opened !== block.address || !block.inside) return null;
  return layoutInside(block.inside, { width: width - 2 * AROUND, measure, experts: expertsOf(block) });
}

/** Numbers in rows, unless boxes of parts or an inside say them. */
const hasRows = ({ parts, inside }: Pick<Body, 'parts' | 'inside'>) => parts.length === 0 && inside === null;

/** The wires of the stream meet an opened block where it reads and writes within. */
function levelsOf(inside: InsideScene, height: number): Pick<Body, 'below' | 'above' | 'span'> {
  const { input, output } = endsOf(inside);
  const [low, high] = [input ? middleOf(input) : inside.height - 9, output ? middleOf(output) : 9];
  const [below, span] = [AROUND + inside.height - low, Math.max(44, low - high)];
  return { below, span, above: height - below - span };
}

const roomOf = (inside: InsideScene | null) => (inside ? inside.height + 2 * AROUND : 0);

/** Heads side by side over one wire, if they fit. */
function busGrid(description: Description, width: number): Grid | null {
  const { cells } = description;
  if (cells?.prefix !== 'H' || cells.count > BUS_HEADS) return null;
  const split = cells.shared > 1 && cells.shared < cells.count ? 4 : 0;
  const gap = cells.count > 4 ? BUS.tight : BUS.gap;
  const splits = split * (Math.ceil(cells.count / cells.shared) - 1);
  const w = Math.min(42, (width - 10 - splits - (cells.count - 1) * gap) / cells.count);
  return w < BUS.cell ? null : { columns: cells.count, w, h: 28, gap, split, labelled: true };
}

/** Measure a block on a side of the stream. In a chain of blocks that feed each other it is always a box. */
export function measureBody(block: Block, side: -1 | 1, context: BodyContext, chained = false): Body {
  const description = describe(block, context.width);
  const column = side === -1 ? context.left : context.right;
  const common = { block, description, side, column };
  const inside = insideOf(block, column.w, context);
  const bus = context.live && side === -1 && !chained && !inside ? busGrid(description, column.w) : null;
  if (bus) {
    const plain = { parts: [], inside, under: 0 };
    return { ...common, ...plain, form: 'bus', height: 0, below: 0, above: 68, span: 51, grid: bus };
  }
  const inner = column.w - 2 * INSET;
  const parts = context.live || inside ? [] : partBoxes(block, description, inner, context.measure);
  const room = parts.length > 0 ? inner - (parts[0]?.w ?? 0) - PART.aside : inner;
  const grid = description.cells ? gridOf(description.cells, room, context.live ? 4 : 2, !context.live) : null;
  const cells = description.cells && grid ? gridHeight(description.cells, grid) + 12 : 0;
  return sizedBox({ ...common, form: 'box' as const, grid, parts, inside }, cells, context.live);
}

type Sizing = Omit<Body, 'height' | 'below' | 'above' | 'span' | 'under'>;

/** The height of a box, and where its wires are. */
function sizedBox(sized: Sizing, cells: number, live: boolean): Body {
  const { inside } = sized;
  const height = roomOf(inside) + (live ? liveHeight(cells) : staticHeight(sized, cells));
  const places = inside ? levelsOf(inside, height) : live ? LIVE[cells > 0 ? 'cells' : 'plain'] : STATIC;
  return { ...sized, height, ...places, under: live ? WORDS : 0 };
}

const STATIC = { below: 18, above: 24, span: 44 };
const LIVE = { cells: { below: 18, above: 22, span: 34 }, plain: { below: 15, above: 11, span: 24 } };

const liveHeight = (cells: number) => (cells > 0 ? TITLE + 18 + cells : 50);

function staticHeight(body: Sizing, cells: number): number {
  const rows = hasRows(body) ? body.description.rows.length * ROW : 0;
  const beside = Math.max(0, ...body.parts.map(({ y, h }) => y + h + 10));
  return TITLE + rows + 4 + Math.max(cells, beside) + SHARE;
}

/** The boxes of a block's parts, one under the other, from an upper left corner at 0; none where they have no room. */
function partBoxes(block: Block, { parts = [] }: Description, width: number, measure: Measure): PartBox[] {
  const w = Math.min(PART.most, Math.round(width * PART.share));
  const inner = w - 2 * PART.inset;
  let y = 0;
  const placed = parts.flatMap(({ part, copies, name, lines }): PartBox[] => {
    const own = block.parts.find(({ address }) => nameOf(address) === part);
    if (!own) return [];
    const h = PART.title + lines.length * PART.line;
    const box = { x: 0, y, w, h, key: own.address, address: own.address };
    y += h + PART.gap;
    const params = big(own.params / copies);
    return [{ ...box, name, params, lines: lines.map((line) => fitting([line, ...shorter(line)], inner, measure)) }];
  });
  const fits = (one: PartBox) => measure(one.name, 11, 600) + measure(one.params, 11, 400) + 6 <= inner;
  return placed.every((one) => fits(one) && one.lines.every((line) => line !== '' && !line.endsWith('…')))
    ? placed
    : [];
}

/** The same with fewer words: the first alone. */
const shorter = (line: string) => (/^\D+ /.test(line) ? [line.split(' ')[0] ?? ''] : []);

function brackets(body: Body, cells: readonly CellBox[]): BlockBox['brackets'] {
  const shared = body.description.cells?.shared ?? 1;
  const columns = body.grid?.columns ?? 1;
  // A group that does not lie in one row has no bracket; the block's line says how many share.
  if (shared < 2 || columns % shared !== 0 || !body.grid?.labelled) return [];
  const heads = cells.filter((cell) => cell.index % shared === 0);
  return heads.map((first) => {
    const last = cells[first.index + shared - 1] ?? first;
    return { x1: first.x, x2: last.x + last.w, y: first.y + first.h + 3 };
  });
}

function placeBus(body: Body, at: { top: number; bottom: number; write: number }, box: BlockBox, measure: Measure) {
  const { cells: of } = body.description;
  if (!of || !body.grid) return box;
  const grid = body.grid;
  const cells = placeCells(of, grid, { x: box.x, y: at.bottom - BUS.rise - grid.h }, box);
  const chip = { x: box.x, y: at.top + 3, w: measure(box.name, 12, 600) + 14, h: 20 };
  const line = fitting(body.description.line, body.column.w - chip.w - 13, measure);
  return {
    ...box,
    w: gridWidth(of, grid),
    title: chip,
    line,
    cells,
    columns: grid.columns,
    brackets: brackets(body, cells),
    words: { x: box.x, y: at.write - 32, w: body.column.w },
  };
}

/** What is said of a block line by line, in words that fit beside each other. */
function rowsOf({ description }: Body, top: number, width: number, measure: Measure): Row[] {
  return description.rows.map(([label, ...values], i) => {
    const room = width - measure(label, 11, 400) - 8;
    const value = fitting(values, Math.max(room, width / 2), measure);
    const left = width - measure(value, 11, 400) - 8;
    return { label: fitting([label, label.split(', ').at(-1) ?? ''], left, measure), value, y: top + i * ROW };
  });
}

function placeBox(body: Body, box: BlockBox, context: BodyContext): BlockBox {
  const { description, grid } = body;
  const inner = { x: box.x + INSET, w: box.w - 2 * INSET };
  const rows = context.live || !hasRows(body) ? [] : rowsOf(body, box.y + TITLE + 12, inner.w, context.measure);
  const y = box.y + TITLE + (context.live ? 14 : rows.length * ROW + 4);
  const cells = description.cells && grid ? placeCells(description.cells, grid, { x: inner.x, y: y + 4 }, box) : [];
  const aside = inner.x + inner.w - (body.parts[0]?.w ?? 0);
  const parts = body.parts.map((one) => ({ ...one, key: `${box.key}.${one.name}`, x: aside, y: y + 4 + one.y }));
  const named = context.measure(box.name, 12, 600) + 7;
  const number = context.measure(context.live ? '88.8' : box.params, 12, 600);
  // A name is never broken off, for it is the block's address; its share says how large the block is.
  const params = named - 4 + number <= inner.w ? box.params : '';
  const right = number + 8;
  const inside = insideBox(body, box);
  const bottom = inside ? inside.y - AROUND : box.y + box.h;
  return {
    ...box,
    params,
    type: fitting(description.type, inner.w - named - right, context.measure),
    line: fitting(description.line, inner.w, context.measure),
    rows,
    parts,
    cells,
    columns: grid?.columns ?? 1,
    brackets: brackets(body, cells),
    words: context.live ? { x: box.x, y: box.y + box.h + 22, w: box.w } : null,
    share: context.live ? null : shareOf(body.block, { x: inner.x, y: bottom - 26, w: inner.w, h: 4 }, context),
    inside,
  };
}

function insideBox({ block, inside: scene }: Body, { x, y, h }: Rect): BlockBox['inside'] {
  if (!scene || !block.inside) return null;
  return { x: x + AROUND, y: y + h - AROUND - scene.height, scene, of: block.inside };
}

/** Of a block that one token passes through in part: that part of it. Of any other, its part of the layer. */
function shareOf(block: Block, bar: Rect, { layerParams, active, measure }: BodyContext): BlockBox['share'] {
  const passed = activeIn(block);
  if (active && passed < block.params) {
    const [of, many] = [passed / block.params, big(passed)];
    const words = [
      `${many} active per token, ${percent(of)}`,
      `${many} active, ${percent(of)}`,
      `${percent(of)} active`,
    ];
    return { ...bar, of, text: fitting(words, bar.w, measure) };
  }
  const of = layerParams > 0 ? block.params / layerParams : 0;
  return { ...bar, of, text: fitting([`${percent(of)} of the layer`, percent(of)], bar.w, measure) };
}

/** Place a block's insides; `top` and `bottom` are its edges, `write` is where its update leaves, all downwards. */
export function placeBody(
  body: Body,
  at: { top: number; bottom: number; write: number; key: string },
  context: BodyContext,
): BlockBox {
  const { block, description } = body;
  const rect: Rect = { x: body.column.x, y: at.top, w: body.column.w, h: at.bottom - at.top };
  const box: BlockBox = {
    ...rect,
    key: at.key,
    address: block.address,
    form: body.form,
    hue: description.hue,
    side: body.side,
    name: nameOf(block.address),
    title: { x: rect.x + INSET, y: rect.y + 5, w: rect.w - 2 * INSET, h: 20 },
    kind: description.type[0] ?? '',
    type: '',
    line: '',
    params: big(block.params),
    rows: [],
    parts: [],
    cells: [],
    columns: 1,
    brackets: [],
    words: null,
    share: null,
    // At the corner that is farthest from the stream: wires end at the other edge.
    opener: block.inside ? { x: body.side === -1 ? rect.x : rect.x + rect.w, y: rect.y } : null,
    inside: null,
  };
  return body.form === 'bus' ? placeBus(body, at, box, context.measure) : placeBox(body, box, context);
}
