/** One card: a layer's blocks, wires and norms around its piece of the stream. */
import type { Block, Group, Layer, Stack } from '../wire/types.generated';
import { activeOf, workOf } from './active';
import { type Body, type BodyContext, measureBody, placeBody } from './body';
import type { Columns } from './columns';
import { big, layerRange } from './format';
import { describe } from './kinds';
import { groupKey } from './model';
import type { BlockBox, Card, Line, Tick, Words } from './scene';
import { chooseSides, type Placed, placeStream, type Stream } from './stream';
import { fitting, type Measure } from './text';
import { titlesOf } from './titles';

export interface CardOf {
  readonly stack: Stack;
  readonly group: Group;
  readonly layer: Layer;
  readonly folded: boolean;
  readonly live: boolean;
  readonly columns: Columns;
  readonly measure: Measure;
  /** Whether what one token passes through is known. */
  readonly active: boolean;
  /** The block that shows its inside. */
  readonly opened: string | null;
}

/** Height of a folded card's title, subtitle and stepper. */
const HEADER = 84;
const CHIP = { w: 92, h: 24 };

interface Head {
  readonly side: -1 | 1;
  readonly x: number;
  readonly w: number;
}

interface Sized {
  readonly of: CardOf;
  readonly key: string;
  readonly stream: Stream;
  readonly context: BodyContext;
  readonly height: number;
  readonly head: Head;
}

function blockOf(layer: Layer, address: string): Block {
  const found = layer.blocks.find((block) => block.address === address);
  if (found) return found;
  const lost = `${address} is named by a branch and is in no list of blocks`;
  const nothing = { path: '', cls: '', params: 0, weights: 0, spec: null, shared: null, unique: null, inside: null };
  return { address, role: 'other', ...nothing, ports: [], parts: [], reads: [], makes: [], notes: [lost] };
}

/** On which side of the stream each block of a layer is. */
export function sidesOf(layer: Layer, width: number, single = false): Map<string, -1 | 1> {
  if (single) return new Map(layer.branches.map(({ block }) => [block, 1]));
  return chooseSides(layer.branches, (address) => describe(blockOf(layer, address), width).side);
}

/** Measure a card and settle what is where in it, but for the card's own place. */
export function sizeCard(of: CardOf): Sized {
  const { layer, columns, live, measure, stack } = of;
  const width = stack.width.value;
  const context: BodyContext = {
    live,
    width,
    left: columns.left,
    right: columns.right,
    measure,
    layerParams: layer.params,
    active: of.active,
    opened: of.opened,
  };
  const sides = sidesOf(layer, width, columns.single);
  const chained = new Set(layer.branches.flatMap(({ block, feeds }) => (feeds === null ? [] : [block, feeds])));
  const stream = placeStream(
    layer.branches.map((branch) => ({
      branch,
      body: measureBody(blockOf(layer, branch.block), sides.get(branch.block) ?? 1, context, chained.has(branch.block)),
    })),
    layer.entry_norm,
  );
  const head = headOf(of, stream);
  const below = stream.placed.filter((one) => one.body.side === head.side).map((one) => one.top);
  const height = Math.max(stream.height, of.folded ? Math.max(0, ...below) + HEADER : 0);
  const key = of.folded ? groupKey(stack, of.group) : layer.address;
  return { of, key, stream, context, height, head };
}

/** Where a folded card's title goes: on the left, above the blocks there, or on the side that has none. */
function headOf({ columns, measure, live }: CardOf, stream: Stream): Head {
  const on = (side: -1 | 1) => stream.placed.some((one) => one.body.side === side);
  const widest = Math.max(0, ...stream.streamNorms.map(({ address }) => 20 + measure(nameOf(address), 11, 400)));
  const right = Math.max(columns.right.x, columns.spine + widest + 8);
  if (columns.single || (on(-1) && !on(1)))
    return { side: 1, x: right, w: columns.card.x + columns.card.w - 12 - right };
  const x = columns.card.x + 12;
  const scales = stream.placed.map(({ branch }) => scaleOf(branch.scale?.value ?? 1, columns, measure));
  const beside = Math.max(live ? 30 : 14, ...scales.map((text) => (text === '' ? 0 : measure(text, 11, 400) + 20)));
  return { side: -1, x, w: columns.spine - x - beside };
}

const nameOf = (address: string) => address.split('.').at(-1) ?? address;

/** What an update is multiplied by, beside its plus, as exactly as there is room between the stream and the blocks. */
function scaleOf(scale: number, { spine, left, right, single }: Columns, measure: Measure): string {
  if (scale === 1) return '';
  const beside = single ? Number.POSITIVE_INFINITY : spine - left.x - left.w;
  const room = Math.min(right.x - spine, beside) - 16;
  return fitting(
    [3, 2, 1].map((digits) => `× ${Number(scale.toPrecision(digits))}`),
    room,
    measure,
  );
}

/** Up beside the stream to a block that stands above others on its side, over what those add. */
function riseOf(
  { body: { side }, read, enters }: Placed,
  { spine, rise }: Columns,
  all: readonly Placed[],
  y: (height: number) => number,
): Line['rise'] {
  if (enters <= read) return null;
  const over = all.filter(
    ({ body, write, feeds }) => body.side === side && feeds === null && read < write && write < enters,
  );
  return { x: spine + side * rise, y: y(enters), over: over.map(({ write }) => y(write)) };
}

function lineOf({ key, of, stream }: Sized, placed: Placed, box: BlockBox, y: (height: number) => number): Line {
  const { columns, measure } = of;
  const { spine } = columns;
  const { body, branch, feeds } = placed;
  const bus = box.form === 'bus';
  const near = body.side === -1 ? box.x + box.w : box.x;
  const first = box.cells[0];
  const last = box.cells.at(-1);
  const far = bus && first ? first.x + first.w / 2 : near;
  return {
    key: `${key}/${nameOf(branch.block)}`,
    address: branch.block,
    side: body.side,
    hue: box.hue,
    bus,
    spine,
    readY: y(placed.read),
    readX: far,
    rise: riseOf(placed, of.columns, stream.placed, y),
    writeX: bus && last ? far : near,
    reads: branch.reads !== null,
    ...(feeds === null
      ? { plus: { x: spine, y: y(placed.write) }, up: null }
      : { plus: null, up: { x: Math.round(box.x + box.w / 2), from: y(placed.top), to: y(feeds) } }),
    assumed: branch.source === 'assumed',
    scale: scaleOf(branch.scale?.value ?? 1, columns, measure),
    // Away from its wire, where there is room.
    scaleSide: columns.single || body.side === -1 ? 1 : -1,
  };
}

function ticksOf(sized: Sized, y: (height: number) => number): Tick[] {
  const { columns, live } = sized.of;
  const tick = (address: string, x: number, at: number, across: Tick['across']): Tick => ({
    key: `${sized.key}/${nameOf(address)}`,
    address,
    across,
    x,
    y: at,
    label: nameOf(address),
    labelAt: across === 'stream' ? 'right' : live ? 'none' : 'under',
  });
  // Parallel branches often share one norm: it stands once on each wire that it is on, but has one name.
  const named = new Map<string, Tick>();
  const put = (one: Tick, side: -1 | 1) => named.set(named.has(one.key) ? `${one.key}@${side}` : one.key, one);
  for (const { branch, body, bottom, enters, write } of sized.stream.placed) {
    const { pre_norm: pre, post_norm: post, joint_norm: joint } = branch;
    const at = (from: number) => columns.spine + body.side * from;
    if (pre && branch.reads !== null) put(tick(pre, at(columns.tick), y(enters), 'wire'), body.side);
    // Before a block that is fed from below, the norm lies across the upright wire.
    if (pre && branch.reads === null) {
      put({ ...tick(pre, body.column.x + body.column.w / 2, y(bottom) + 19, 'stream') }, body.side);
    }
    if (post) put(tick(post, at(columns.postTick), y(write), 'wire'), body.side);
    if (joint) put({ ...tick(joint, at(columns.jointTick), y(write), 'wire'), labelAt: 'none' }, body.side);
  }
  for (const { address, at } of sized.stream.streamNorms) {
    named.set(`${sized.key}/${nameOf(address)}`, tick(address, columns.spine, y(at), 'stream'));
  }
  return [...named].map(([key, one]) => ({ ...one, key }));
}

/** What a card is called, long to short. */
function namesOf({ group, layer, folded, stack }: CardOf): string[] {
  // The stack's name stands beside its stream.
  if (!folded) return [`L${layer.index}`];
  const copies = group.layers.length > 1 ? `× ${group.layers.length}` : '';
  const titles = titlesOf(stack, group).filter((title) => title !== '');
  // A name is more than how many there are, which stands under it, too.
  return [...titles.map((title) => `${title} ${copies}`.trim()), ...titles, `Layer ${copies}`.trim()];
}

/** What one token passes through in a layer, and the work that it takes, beside the stepper. */
function factsOf({ layer, folded, live, active, measure }: CardOf, { x, w }: Head, top: number): Words[] {
  if (!folded || live) return [];
  const [passed, work] = [activeOf(layer), workOf(layer)];
  const room = w - CHIP.w - 10;
  const some = active && passed < layer.params ? [`active: ${big(passed)} per token`, `${big(passed)} active`] : [];
  const operations = work > 0 ? [`≈ ${flops(work)} per token`, `≈ ${flops(work)}`] : [];
  const lines = [some, operations].map((words) => (words.length > 0 ? fitting(words, room, measure) : ''));
  const said = lines.filter((text) => text !== '' && !text.endsWith('…'));
  const first = top + 46 + (said.length > 1 ? 9 : 16);
  return said.map((text, i) => ({ text, x: x + CHIP.w + 10, y: first + i * 15 }));
}

/** Operations as people write them: a G is what a B is of parameters. */
const flops = (work: number) => `${big(work).replace(' B', ' G').replace(' K', ' k')}FLOP`;

/** Place a card with its upper edge at `top`. */
export function placeCard(sized: Sized, top: number): Card {
  const { of, key, stream, context, height } = sized;
  const { columns, folded, measure, layer, group, stack } = of;
  const y = (above: number) => Math.round(top + height - above);
  const boxes = stream.placed.map((one) =>
    placeBody(
      one.body as Body,
      { top: y(one.top), bottom: y(one.bottom), write: y(one.write), key: `${key}/${nameOf(one.branch.block)}` },
      context,
    ),
  );
  const { head } = sized;
  const range = layerRange(group.layers, stack.name);
  const subtitles = [
    `${range} · ${big(layer.params)} each`,
    range,
    layerRange(group.layers),
    `${group.layers.length} layers`,
  ];
  return {
    key,
    group: groupKey(stack, group),
    stack: stack.name,
    address: layer.address,
    index: layer.index,
    layers: group.layers,
    ...{ x: columns.card.x, y: top, w: columns.card.w, h: height },
    title: fitting(namesOf(of), head.w, measure, 13, 600),
    brief: fitting(namesOf(of), head.w / 2, measure, 12, 600),
    subtitle: fitting(subtitles, head.w, measure),
    head: { x: head.x, y: top },
    facts: factsOf(of, head, top),
    chip: folded ? { x: head.x, y: top + 46, ...CHIP } : { x: 0, y: Math.round(top + height / 2 - 13), w: 26, h: 26 },
    folded,
    unused: stack.used !== null && layer.index >= stack.used.value,
    blocks: boxes,
    lines: stream.placed.map((one, i) => lineOf(sized, one, boxes[i] as BlockBox, y)),
    ticks: ticksOf(sized, y),
  };
}
