/** The diagram as rows: what it draws, for who reads tables, and to be sorted. */
import type { Architecture, Block, Group, Stack } from '../wire/types.generated';
import { describe } from './kinds';
import { layerAddress, layerCount, layerOf, outsideBlocks } from './model';

export interface TableRow {
  readonly address: string;
  /** The layer's place in its stack; -1 outside of the layers. */
  readonly index: number;
  readonly layer: string;
  readonly block: string;
  readonly kind: string;
  readonly shape: string;
  readonly params: number | null;
  /** How many layers are alike, where one row stands for all of them. */
  readonly layers: number;
}

/** More rows than this have no place in a table: single heads are left out, then layers that are alike share rows. */
const MOST = 600;

interface Place {
  readonly stack: Stack;
  readonly group: Group;
  readonly index: number;
  readonly layers: number;
}

function rowOf(block: Block, place: Place | null): TableRow {
  const { type, line } = describe(block, place?.stack.width.value ?? 0);
  const layer = place ? layerAddress(place.stack, place.index) : '';
  const kind = type[0] || block.cls || block.role;
  return {
    address: block.address,
    index: place?.index ?? -1,
    layer,
    block: place ? block.address.slice(layer.length + 1) : block.address,
    kind,
    // A norm has no shape: what is said of it is its kind.
    shape: line[0] === kind ? '' : (line[0] ?? ''),
    params: block.params,
    layers: place?.layers ?? 1,
  };
}

function cellRows(block: Block, row: TableRow): TableRow[] {
  const { cells } = describe(block);
  return Array.from({ length: cells?.count ?? 0 }, (_, i) => ({
    ...row,
    address: `${block.address}.${cells?.prefix}${i}`,
    block: `${row.block}.${cells?.prefix}${i}`,
    kind: cells?.prefix === 'E' ? 'expert' : 'head',
    shape: '',
    params: null,
  }));
}

function places(architecture: Architecture, folded: boolean): Place[] {
  return architecture.stacks.flatMap((stack) =>
    stack.groups
      .flatMap((group) => {
        const layers = folded ? group.layers.slice(0, 1) : group.layers;
        return layers.map((index) => ({ stack, group, index, layers: folded ? group.layers.length : 1 }));
      })
      .sort((a, b) => a.index - b.index),
  );
}

const each = ({ template }: Group, of: (block: Block) => number) =>
  template.blocks.reduce((sum, one) => sum + of(one), 0);

/** All rows, in the order of the model. */
export function tableOf(architecture: Architecture): { rows: TableRow[]; heads: boolean; folded: boolean } {
  const groups = architecture.stacks.flatMap((stack) => stack.groups);
  const count = (of: (block: Block) => number) =>
    groups.reduce((sum, group) => sum + group.layers.length * each(group, of), 0);
  const folded = layerCount(architecture) > MOST || count(() => 1) > MOST;
  const heads = !folded && count((block) => 1 + (describe(block).cells?.count ?? 0)) <= MOST;
  const inside = places(architecture, folded).flatMap((place) =>
    layerOf(place.stack, place.group, place.index).blocks.flatMap((block) => {
      const row = rowOf(block, place);
      return heads ? [row, ...cellRows(block, row)] : [row];
    }),
  );
  const seen = new Set<string>();
  const outside = outsideBlocks(architecture).filter(({ address }) => !seen.has(address) && seen.add(address));
  const after = new Set(architecture.outputs.map(({ address }) => address));
  const around = (last: boolean) =>
    outside.filter(({ address }) => after.has(address) === last).map((one) => rowOf(one, null));
  return { rows: [...around(false), ...inside, ...around(true)], heads, folded };
}
