/** One card: a layer's blocks, wires and norms around its piece of the stream. */
import type { Block, Group, Layer, Stack } from '../wire/types.generated';
import { type Body, type BodyContext, measureBody, placeBody } from './body';
import type { Columns } from './columns';
import { big, layerRange } from './format';
import { describe } from './kinds';
import { groupKey } from './model';
import type { BlockBox, Card, Line, Tick } from './scene';
import { chooseSides, type Placed, placeStream, type Stream } from './stream';
import { fitting, type Measure } from './text';

export interface CardOf {
  readonly stack: Stack;
  readonly group: Group;
  readonly layer: Layer;
  readonly folded: boolean;
  readonly live: boolean;
  readonly columns: Columns;
  readonly measure: Measure;
}

/** Height of a folded card's title, subtitle and stepper. */
const HEADER = 78;

interface Sized {
  readonly of: CardOf;
  readonly key: string;
  readonly stream: Stream;
  readonly context: BodyContext;
  readonly height: number;
}

function blockOf(layer: Layer, address: string): Block {
  const found = layer.blocks.find((block) => block.address === address);
  if (found) return found;
  const lost = `${address} is named by a branch and is in no list of blocks`;
  const nothing = { path: '', cls: '', params: 0, weights: 0, spec: null, shared: null, unique: null, inside: null };
  return { address, role: 'other', ...nothing, ports: [], parts: [], reads: [], makes: [], notes: [lost] };
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
  };
  const sides = chooseSides(layer.branches, (address) => describe(blockOf(layer, address), width).side);
  const chained = new Set(layer.branches.flatMap(({ block, feeds }) => (feeds === null ? [] : [block, feeds])));
  const stream = placeStream(
    layer.branches.map((branch) => ({
      branch,
      body: measureBody(blockOf(layer, branch.block), sides.get(branch.block) ?? 1, context, chained.has(branch.block)),
    })),
    layer.entry_norm,
  );
  const left = Math.max(0, ...stream.placed.filter((one) => one.body.side === -1).map((one) => one.top));
  const height = Math.max(stream.height, of.folded ? left + HEADER : 0);
  const key = of.folded ? groupKey(stack, of.group) : layer.address;
  return { of, key, stream, context, height };
}

const nameOf = (address: string) => address.split('.').at(-1) ?? address;

function lineOf(key: string, placed: Placed, box: BlockBox, y: (height: number) => number, spine: number): Line {
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
    writeX: bus && last ? far : near,
    reads: branch.reads !== null,
    ...(feeds === null
      ? { plus: { x: spine, y: y(placed.write) }, up: null }
      : { plus: null, up: { x: Math.round(box.x + box.w / 2), from: y(placed.top), to: y(feeds) } }),
    assumed: branch.source === 'assumed',
    scale: branch.scale && branch.scale.value !== 1 ? `× ${Number(branch.scale.value.toPrecision(3))}` : '',
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
  for (const { branch, body, bottom, read, write } of sized.stream.placed) {
    const { pre_norm: pre, post_norm: post, joint_norm: joint } = branch;
    const at = (from: number) => columns.spine + body.side * from;
    if (pre && branch.reads !== null) put(tick(pre, at(columns.tick), y(read), 'wire'), body.side);
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
function titlesOf({ group, layer, folded }: CardOf): string[] {
  // The stack's name stands beside its stream.
  if (!folded) return [`L${layer.index}`];
  const kinds = layer.blocks
    .filter((block) => layer.branches.some((branch) => branch.block === block.address))
    .map((block) => nameOf(block.address));
  const each = [...new Set(kinds)];
  const copies = `× ${group.layers.length}`;
  return [`${each.join(' + ')} ${copies}`, `${each.join('+')} ${copies}`, `${each.length} blocks ${copies}`, copies];
}

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
  const room = columns.spine - columns.card.x - 40;
  const range = layerRange(group.layers, stack.name);
  const subtitles = [
    `${range} · ${big(layer.params)} each`,
    range,
    layerRange(group.layers),
    `${group.layers.length} layers`,
  ];
  const x = columns.card.x + 12;
  return {
    key,
    group: groupKey(stack, group),
    stack: stack.name,
    address: layer.address,
    index: layer.index,
    layers: group.layers,
    ...{ x: columns.card.x, y: top, w: columns.card.w, h: height },
    title: fitting(titlesOf(of), room, measure, 13, 600),
    subtitle: fitting(subtitles, room, measure),
    chip: folded ? { x, y: top + 46, w: 92, h: 24 } : { x: 0, y: Math.round(top + height / 2 - 13), w: 26, h: 26 },
    folded,
    unused: stack.used !== null && layer.index >= stack.used.value,
    blocks: boxes,
    lines: stream.placed.map((one, i) => lineOf(key, one, boxes[i] as BlockBox, y, columns.spine)),
    ticks: ticksOf(sized, y),
  };
}
