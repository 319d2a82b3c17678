/** What there is to find: one entry for each block of each group of layers, with the words and the modules it is known by. */
import type { Architecture, Block, Group, Stack } from '../wire/types.generated';
import { type CellsOf, describe } from './kinds';
import { outsideBlocks, withParts } from './model';
import { wordsOf } from './words';

/** Something that was found: one thing, or what is alike in all layers of a group. */
export interface Found {
  /** Where it is; of several, the first. */
  readonly address: string;
  readonly name: string;
  /** What it is. */
  readonly about: string;
  /** In which layers, where it is in several. */
  readonly where: string;
  readonly path: string;
}

export interface Entry {
  readonly place: { readonly stack: Stack; readonly group: Group } | null;
  readonly block: Block;
  /** What comes after the layer in its address: `attn`. */
  readonly name: string;
  readonly about: string;
  /** What its kind is called: `GQA`, `SwiGLU`; empty where it has no name. */
  readonly kind: string;
  readonly words: readonly string[];
  /** Paths of the modules that it is, and of those that were seen at work inside it. */
  readonly modules: readonly string[];
  readonly cells: CellsOf | null;
  /** A norm, or a part of another block: seldom what is looked for. */
  readonly minor: boolean;
}

function modulesOf({ path, inside }: Block): string[] {
  const steps = inside?.steps.map((step) => step.path) ?? [];
  return [...new Set([path, ...steps])].filter((one) => one !== '');
}

function entryOf(block: Block, place: Entry['place'], minor: boolean): Entry {
  const { type, line, cells } = describe(block, place?.stack.width.value ?? 0);
  const at = place?.group.template;
  const name = at ? block.address.slice(at.address.length + 1) : block.address;
  const path = at && block.path.startsWith(`${at.path}.`) ? block.path.slice(at.path.length + 1) : block.path;
  const about = [type[0], line[0], block.cls].filter((word, i, all) => word && !(i === 0 && all[1]?.includes(word)));
  return {
    place,
    block,
    name,
    about: about.slice(0, 2).join(' · ') || block.role,
    kind: type[0] ?? '',
    words: wordsOf(block, [name, path]),
    modules: modulesOf(block),
    cells,
    minor: minor || block.role === 'norm',
  };
}

const indexes = new WeakMap<Architecture, Entry[]>();

/** What there is to find, made once. */
export function entriesOf(architecture: Architecture): Entry[] {
  const known = indexes.get(architecture);
  if (known) return known;
  const seen = new Set<string>();
  const outside = outsideBlocks(architecture).filter(({ address }) => !seen.has(address) && seen.add(address));
  const inside = architecture.stacks.flatMap((stack) =>
    stack.groups.flatMap((group) =>
      group.template.blocks.flatMap((block) =>
        withParts(block).map((one) => entryOf(one, { stack, group }, one !== block)),
      ),
    ),
  );
  const entries = [...inside, ...outside.map((block) => entryOf(block, null, false))];
  indexes.set(architecture, entries);
  return entries;
}
