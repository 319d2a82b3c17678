/**
 * What a module path names: the whole of one, down to a module that nobody drew, or any piece of one (`self_attn.q`,
 * `layers.3.mlp`, `mlp.gate_proj`). A piece with the number of a layer is looked for in the layers that have it in
 * their path, any other in one layer of each group.
 */
import type { Architecture, Block, Group } from '../wire/types.generated';
import { describe } from './kinds';
import { layerOf, outsideBlocks, pathIn, withParts } from './model';
import { type Entry, entriesOf, type Found } from './search-index';

/** Something found by a piece of a path: where, and how well the piece fits (0: a whole path ends with it). */
export interface Piece {
  readonly entry: Entry | null;
  /** The layer that the piece names; null where it is of all layers of a group, or of none. */
  readonly layer: number | null;
  readonly found: Found | null;
  readonly module: string;
  readonly misses: number;
}

/** A query as a path is written: `layers[3].mlp.weight` is `layers.3.mlp`. */
export function asPath(query: string): string {
  const steps = query.replaceAll(/\[(\d+)\]/g, '.$1').replaceAll('/', '.');
  return steps.replace(/\.(weight|bias)$/, '').replaceAll(/^\.+|\.+$/g, '');
}

/** Whether a path goes through a module, or ends there. A star stands for any step. */
function leads(path: string, module: string): boolean {
  if (module === '') return false;
  if (!module.includes('*')) return path === module || path.startsWith(`${module}.`);
  const steps = path.split('.');
  return module.split('.').every((want, i) => want === '*' || want === steps[i]);
}

/** What is at a whole path, the closest first: the block there, or the one it is in. */
export function atPath(architecture: Architecture, path: string): Found[] {
  if (!path.includes('.')) return [];
  const near = (block: Block) => (leads(path, block.path.toLowerCase()) ? block.path.length : 0);
  const inside = architecture.stacks.flatMap((stack) =>
    stack.groups.flatMap((group) => {
      const at = group.paths.findIndex((one) => leads(path, one.toLowerCase()));
      const index = group.layers[at];
      if (index === undefined) return [];
      const layer = layerOf(stack, group, index);
      const blocks = layer.blocks.flatMap(withParts).filter((block) => near(block) > 0);
      return [...blocks.sort((a, b) => near(b) - near(a)).map(atBlock), layerFound(layer)];
    }),
  );
  const outside = outsideBlocks(architecture).filter((block) => near(block) > 0);
  return [...inside, ...outside.map(atBlock)];
}

const layerFound = ({ address, cls, path }: { address: string; cls: string; path: string }): Found => {
  return { address, name: address, about: `layer · ${cls}`, where: '', path };
};

const atBlock = (block: Block): Found => {
  const { type, line } = describe(block);
  const { address, path } = block;
  return { address, name: address, about: type[0] || line[0] || block.cls, where: '', path };
};

/** How badly a piece fits a path, 0 to 4; null where it is not in it, or would tear a number in two. */
function missesIn(path: string, piece: string): { at: number; misses: number } | null {
  const text = path.toLowerCase();
  for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1)) {
    const [before = '', after = ''] = [text[at - 1], text[at + piece.length]];
    const torn = (/\d/.test(before) && /^\d/.test(piece)) || (/\d/.test(after) && /\d$/.test(piece));
    if (!torn) return { at, misses: (/[^.]/.test(before) ? 2 : 0) + (after === '' ? 0 : after === '.' ? 1 : 2) };
  }
  return null;
}

/** The layers of a group whose path has one of the numbers. */
function numbered(group: Group, numbers: readonly string[]): number[] {
  if (numbers.length === 0) return [];
  const ends = new RegExp(`\\.(${numbers.join('|')})(\\.|$)`);
  return group.layers.filter((_, i) => ends.test(group.paths[i] ?? ''));
}

/** A piece in the modules of an entry: in all its layers, or in those that it names. */
function piecesIn(entry: Entry, piece: string, layersOf: (group: Group) => number[]): Piece[] {
  const group = entry.place?.group;
  const top = group?.template.path.length ?? 0;
  const best = (layer: number | null, own: (at: number) => boolean, place: (path: string) => string): Piece[] => {
    const fits = entry.modules.flatMap((path) => {
      const fit = missesIn(place(path), piece);
      return fit && own(fit.at) ? [{ module: place(path), misses: fit.misses }] : [];
    });
    const [first] = fits.sort((a, b) => a.misses - b.misses);
    return first ? [{ entry, layer, found: null, ...first }] : [];
  };
  if (!group) return best(null, () => true, String);
  const everywhere = best(null, (at) => at > top || !/\d/.test(piece), String);
  if (everywhere.length > 0) return everywhere;
  return layersOf(group).flatMap((layer) =>
    best(
      layer,
      () => true,
      (path) => pathIn(group, layer, path),
    ),
  );
}

const steps = (path: string) => path.split('.').length;

/** Whether a module is an entry's own, and not one inside it. */
export function isOwn({ modules }: Entry, module: string): boolean {
  return steps(module) <= steps(modules[0] ?? '');
}

/** What has a piece in the path of one of its modules, the closest first. */
export function withPiece(architecture: Architecture, piece: string): Piece[] {
  // One or two letters are in every path.
  if (piece.length < 3) return [];
  const numbers = piece.split('.').filter((step) => /^\d+$/.test(step));
  const known = new Map<Group, number[]>();
  const layersOf = (group: Group) => {
    const layers = known.get(group) ?? numbered(group, numbers);
    known.set(group, layers);
    return layers;
  };
  const layers = architecture.stacks.flatMap((stack) =>
    stack.groups.flatMap((group) =>
      layersOf(group).flatMap((index): Piece[] => {
        const layer = layerOf(stack, group, index);
        const fit = missesIn(layer.path, piece);
        const found = layerFound(layer);
        return fit ? [{ entry: null, layer: index, found, module: layer.path, misses: fit.misses }] : [];
      }),
    ),
  );
  const blocks = entriesOf(architecture).flatMap((entry) => piecesIn(entry, piece, layersOf));
  // The block whose module it is before the one that has it inside.
  const rank = ({ entry, module, misses }: Piece) =>
    misses + (entry && !isOwn(entry, module) ? 1 : 0) + (entry?.minor ? 0.5 : 0);
  return [...layers, ...blocks].sort((a, b) => rank(a) - rank(b));
}
