/** Walking an Architecture: layers written out from their groups, and looking blocks up by address. */
import type { Architecture, Block, Branch, Group, Layer, Stack } from '../wire/types.generated';

/** A name for a group that stays the same whichever layer its card shows. */
export function groupKey(stack: Stack, group: Group): string {
  return `${stack.name}#${group.template.index}`;
}

export function layerCount(architecture: Architecture): number {
  return architecture.stacks.reduce((sum, stack) => sum + stackLayers(stack), 0);
}

/** The layers of each stack in words, the main stack first: `32 layers`, or `32 text + 24 vision layers`. */
export function layersInWords(architecture: Architecture): string {
  const [numbers, names] = layersByStack(architecture);
  const layers = layerCount(architecture) === 1 ? 'layer' : 'layers';
  return `${numbers.map((count, i) => [count, names[i]].filter((word) => word !== '').join(' ')).join(' + ')} ${layers}`;
}

/** How many layers each stack has, the main one first, and the names of the stacks where there are several. */
export function layersByStack({ stacks }: Architecture): [number[], string[]] {
  const ordered = [...stacks].reverse();
  return [ordered.map(stackLayers), ordered.map(({ name }) => (stacks.length === 1 ? '' : name || 'main'))];
}

export function stackLayers(stack: Stack): number {
  return stack.groups.reduce((sum, group) => sum + group.layers.length, 0);
}

export function layerAddress(stack: Stack, index: number): string {
  return `${stack.name === '' ? '' : `${stack.name}.`}L${index}`;
}

/**
 * A module path within one layer as the path within another. A star in a layer's path stands for any of the lists that
 * hold its parts.
 */
function placed(text: string, from: string, to: string): string {
  const [steps, top, target] = [text.split('.'), from.split('.'), to.split('.')];
  if (steps.length < top.length || top.some((want, i) => want !== '*' && want !== steps[i])) return text;
  return [...target.map((want, i) => (want === '*' ? steps[i] : want)), ...steps.slice(top.length)].join('.');
}

/** The path of a module of a group's template in another layer of the group. */
export function pathIn({ template, layers, paths }: Group, index: number, path: string): string {
  return placed(path, template.path, paths[layers.indexOf(index)] ?? template.path);
}

/** The layer of each group that was asked for last: mostly it is the one that the group's card shows. */
const WRITTEN = new WeakMap<Group, Layer>();

/** The layer of a group with that index. */
export function layerOf(stack: Stack, group: Group, index: number): Layer {
  const known = WRITTEN.get(group);
  const layer = known?.index === index ? known : writeOut(stack, group, index);
  WRITTEN.set(group, layer);
  return layer;
}

/** A layer of a group, written out from the template. */
function writeOut(stack: Stack, group: Group, index: number): Layer {
  const { template } = group;
  const path = group.paths[group.layers.indexOf(index)] ?? template.path;
  const address = layerAddress(stack, index);
  const rename = (text: string) => address + text.slice(template.address.length);
  const renameIf = (text: string | null) => (text === null ? null : rename(text));
  const place = (text: string) => placed(text, template.path, path);
  const block = (old: Block): Block => ({
    ...old,
    address: rename(old.address),
    path: place(old.path),
    ports: old.ports.map((port) => ({ ...port, path: place(port.path) })),
    parts: old.parts.map(block),
  });
  const branch = (old: Branch): Branch => ({
    ...old,
    block: rename(old.block),
    pre_norm: renameIf(old.pre_norm),
    post_norm: renameIf(old.post_norm),
    stream_norm: renameIf(old.stream_norm),
    feeds: renameIf(old.feeds),
    joint_norm: renameIf(old.joint_norm),
  });
  return {
    ...template,
    address,
    index,
    path,
    blocks: template.blocks.map(block),
    branches: template.branches.map(branch),
    entry_norm: renameIf(template.entry_norm),
  };
}

export interface Located {
  readonly block: Block | null;
  readonly layer: Layer | null;
  /** What comes after the block's address: `H3`, `E17`; empty for the block itself. */
  readonly sub: string;
  /** Of the residual stream that it is on; 0 outside of the layers. */
  readonly width: number;
  /** Whether it is in a layer that runs for nothing. */
  readonly unused: boolean;
}

const CELL = /\.((?:H|KV|E)\d+)$/;

/** Find what an address names; null where it names nothing. */
export function locate(architecture: Architecture, address: string): Located | null {
  const sub = CELL.exec(address)?.[1] ?? '';
  const wanted = sub === '' ? address : address.slice(0, -sub.length - 1);
  const outside = outsideBlocks(architecture).find((one) => one.address === wanted);
  if (outside) return { block: outside, layer: null, sub, width: 0, unused: false };
  for (const stack of architecture.stacks) {
    const layer = layerNamed(stack, wanted);
    if (!layer) continue;
    const width = stack.width.value;
    const unused = stack.used !== null && layer.index >= stack.used.value;
    if (layer.address === wanted) return { block: null, layer, sub, width, unused };
    const block = layer.blocks.flatMap(withParts).find((one) => one.address === wanted);
    if (block) return { block, layer, sub, width, unused };
  }
  return null;
}

/** The blocks that are in no layer. */
export function outsideBlocks({ inputs, outputs, stacks, edges, phantoms }: Architecture): Block[] {
  const towers = stacks.flatMap((stack) => [...stack.inputs, ...stack.outputs]);
  return [...inputs, ...towers, ...edges.flatMap((edge) => edge.via), ...outputs, ...phantoms];
}

export function withParts(block: Block): Block[] {
  return [block, ...block.parts.flatMap(withParts)];
}

/** The stack and the group of the layer that an address is in; null outside of the layers. */
export function placeOf(
  { stacks }: Architecture,
  address: string,
): { stack: Stack; group: Group; index: number } | null {
  for (const stack of stacks) {
    const prefix = layerAddress(stack, 0).slice(0, -1);
    const [, digits] = address.startsWith(prefix) ? (/^(\d+)(?:\.|$)/.exec(address.slice(prefix.length)) ?? []) : [];
    const index = Number(digits ?? Number.NaN);
    const group = stack.groups.find((one) => one.layers.includes(index));
    if (group) return { stack, group, index };
  }
  return null;
}

function layerNamed(stack: Stack, address: string): Layer | null {
  const prefix = layerAddress(stack, 0).slice(0, -1);
  if (!address.startsWith(prefix)) return null;
  const index = Number.parseInt(address.slice(prefix.length), 10);
  const group = stack.groups.find((one) => one.layers.includes(index));
  return group ? layerOf(stack, group, index) : null;
}
