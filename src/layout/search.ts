/**
 * Finding what a person names: an address (`L3.attn.H7`, `l3 h7`, `3.7`), a module path, or words for a kind. What is
 * searched is one entry for each block of each group of layers, and where it is follows by arithmetic: a list of all
 * addresses of a large model would have millions.
 */
import type { Architecture, Block, Group, Stack } from '../wire/types.generated';
import { layerRange } from './format';
import { type CellsOf, describe } from './kinds';
import { groupKey, layerAddress, layerOf, outsideBlocks, withParts } from './model';
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

/** All layers that have what words name. */
export interface Marks {
  readonly query: string;
  /** Of each group in which it is (see `groupKey`), the names of the blocks. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
  readonly outside: ReadonlySet<string>;
  readonly layers: number;
  readonly of: number;
  readonly where: string;
}

export interface Search {
  readonly found: readonly Found[];
  /** Null where no kind was named, but a place. */
  readonly marks: Marks | null;
  /** Why nothing was found, in words. */
  readonly why: string;
}

interface Entry {
  readonly place: { readonly stack: Stack; readonly group: Group } | null;
  readonly block: Block;
  /** What comes after the layer in its address: `attn`. */
  readonly name: string;
  readonly about: string;
  readonly words: readonly string[];
  readonly cells: CellsOf | null;
  /** A norm, or a part of another block: seldom what is looked for. */
  readonly minor: boolean;
}

/** More layers than this are not named one by one. */
const NAMED = 2000;
const MOST = 40;

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
    words: wordsOf(block, [name, path]),
    cells,
    minor: minor || block.role === 'norm',
  };
}

const indexes = new WeakMap<Architecture, Entry[]>();

/** What there is to find, made once. */
function entriesOf(architecture: Architecture): Entry[] {
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

/** What was asked for, taken apart. */
interface Query {
  readonly stack: string | null;
  readonly layer: number | null;
  readonly cell: { readonly prefix: string; readonly index: number } | null;
  readonly words: readonly string[];
}

/** What letters before a number count. */
const COUNTED: Readonly<Record<string, string>> = { l: 'L', layer: 'L', h: 'H', head: 'H', e: 'E', expert: 'E' };

/** Take a query apart: of numbers without a letter, the first is a layer and the next a head or an expert. */
function parse(query: string, { stacks }: Architecture): Query {
  // "layer 3" is l3, "head 7" is h7.
  const joined = query.replaceAll(/\b(layer|head|expert)s?\s+(?=\d)/g, '$1');
  const tokens = joined.split(/[\s.,/]+/).filter((token) => token !== '');
  const stack =
    tokens.length > 1 ? stacks.find(({ name }) => name !== '' && name.toLowerCase() === tokens[0]) : undefined;
  const words: string[] = [];
  let layer: Query['layer'] = null;
  let cell: Query['cell'] = null;
  tokens.slice(stack ? 1 : 0).forEach((token, i) => {
    const [, letters = '', digits] = /^(l|layer|h|head|e|expert)?(\d+)$/.exec(token) ?? [];
    const prefix = COUNTED[letters] ?? '';
    if (digits === undefined) words.push(token);
    else if (layer === null && (prefix === 'L' || (prefix === '' && i === 0))) layer = Number(digits);
    else if (cell === null && prefix !== 'L') cell = { prefix, index: Number(digits) };
    else words.push(token);
  });
  return { stack: stack?.name ?? null, layer, cell, words };
}

/** How well a word names an entry; 0: not at all. */
function fit(entry: Entry, word: string): number {
  const name = entry.name.toLowerCase();
  if (name === word) return 100;
  if (name.startsWith(word)) return 60;
  if (entry.words.includes(word)) return 50;
  if (entry.words.some((one) => one.startsWith(word))) return 30;
  return word.length > 2 && entry.words.some((one) => one.includes(word)) ? 10 : 0;
}

/** How well all words name an entry; null where one does not. */
function fitAll(entry: Entry, words: readonly string[]): number | null {
  const fits = words.map((word) => fit(entry, word));
  const least = entry.minor ? -40 * Math.max(1, fits.length) : 0;
  return fits.includes(0) ? null : fits.reduce((sum, one) => sum + one, least);
}

function holds(entry: Entry, { stack, layer, cell }: Query): boolean {
  if (stack !== null && entry.place?.stack.name !== stack) return false;
  if (layer !== null && !entry.place?.group.layers.includes(layer)) return false;
  if (cell === null) return true;
  return entry.cells !== null && cell.index < entry.cells.count && entry.cells.prefix.startsWith(cell.prefix);
}

/** An entry as what is found: in one layer where one is named, else in all of its group. */
function found(entry: Entry, { layer, cell }: Query): Found {
  const sub = cell && entry.cells ? `.${entry.cells.prefix}${cell.index}` : '';
  const what = cell ? `${entry.cells?.prefix === 'E' ? 'expert' : 'head'} · ` : '';
  if (!entry.place) {
    const { address, path } = entry.block;
    return { address, name: address, about: entry.about, where: '', path };
  }
  const { stack, group } = entry.place;
  const index = layer ?? group.layers[0] ?? 0;
  const place = `${layerAddress(stack, index)}.${entry.name}`;
  const block = layerOf(stack, group, index)
    .blocks.flatMap(withParts)
    .find((one) => one.address === place);
  const alone = layer !== null || group.layers.length === 1;
  return {
    address: place + sub,
    name: alone ? place + sub : entry.name + sub,
    about: what + entry.about,
    where: alone ? '' : `${group.layers.length} layers, ${layerRange(group.layers, stack.name)}`,
    path: block?.path ?? '',
  };
}

/** The layers themselves, where no part of one is named. */
function layersNamed({ stacks }: Architecture, { stack, layer, cell, words }: Query): Found[] {
  if (layer === null || cell !== null || words.length > 0) return [];
  return stacks.flatMap((one) => {
    const group = stack === null || one.name === stack ? one.groups.find(({ layers }) => layers.includes(layer)) : null;
    if (!group) return [];
    const { address, path, blocks, branches } = layerOf(one, group, layer);
    const parts = blocks.filter((block) => branches.some((branch) => branch.block === block.address));
    const about = parts.map((block) => block.address.slice(address.length + 1)).join(' + ');
    return [{ address, name: address, about: `layer · ${about}`, where: '', path }];
  });
}

/** Whether a path goes through a module, or ends there. A star stands for any step. */
function leads(path: string, module: string): boolean {
  if (module === '') return false;
  if (!module.includes('*')) return path === module || path.startsWith(`${module}.`);
  const steps = path.split('.');
  return module.split('.').every((want, i) => want === '*' || want === steps[i]);
}

/** What is at a module path, the closest first: the block there, or the one it is in. */
function atPath(architecture: Architecture, query: string): Found[] {
  if (!query.includes('.')) return [];
  const near = (block: Block) => (leads(query, block.path.toLowerCase()) ? block.path.length : 0);
  const inside = architecture.stacks.flatMap((stack) =>
    stack.groups.flatMap((group) => {
      const at = group.paths.findIndex((path) => leads(query, path.toLowerCase()));
      const index = group.layers[at];
      if (index === undefined) return [];
      const layer = layerOf(stack, group, index);
      const blocks = layer.blocks.flatMap(withParts).filter((block) => near(block) > 0);
      const whole = {
        address: layer.address,
        name: layer.address,
        about: `layer · ${layer.cls}`,
        where: '',
        path: layer.path,
      };
      return [...blocks.sort((a, b) => near(b) - near(a)).map(atBlock), whole];
    }),
  );
  const outside = outsideBlocks(architecture).filter((block) => near(block) > 0);
  return [...inside, ...outside.map(atBlock)];
}

const atBlock = (block: Block): Found => {
  const { type, line } = describe(block);
  return {
    address: block.address,
    name: block.address,
    about: type[0] || line[0] || block.cls,
    where: '',
    path: block.path,
  };
};

function marksOf(architecture: Architecture, entries: readonly Entry[], query: string): Marks {
  const groups = new Map<string, Set<string>>();
  const layers = new Map<Group, Stack>();
  for (const { place, name } of entries) {
    if (!place) continue;
    const key = groupKey(place.stack, place.group);
    groups.set(key, (groups.get(key) ?? new Set()).add(name));
    layers.set(place.group, place.stack);
  }
  const all = [...layers.keys()];
  const count = all.reduce((sum, group) => sum + group.layers.length, 0);
  const stacks = new Set(layers.values());
  const [only] = stacks;
  const together = all.flatMap((group) => group.layers).sort((a, b) => a - b);
  return {
    query,
    groups,
    outside: new Set(entries.flatMap(({ place, block }) => (place ? [] : [block.address]))),
    layers: count,
    of: architecture.stacks.reduce(
      (sum, { groups }) => sum + groups.reduce((n, { layers }) => n + layers.length, 0),
      0,
    ),
    where: stacks.size === 1 && only && count <= NAMED ? runs(together, only.name) : '',
  };
}

/** Layers as runs: `L0 to L2, L4, L6 to L8`; by their rule where there are many. */
function runs(layers: readonly number[], stack: string): string {
  const starts = layers.filter((layer, i) => layers[i - 1] !== layer - 1);
  if (starts.length > 6) return layerRange(layers, stack);
  const ends = layers.filter((layer, i) => layers[i + 1] !== layer + 1);
  return starts
    .map((start, i) => layerRange([...new Set([start, ends[i] ?? start])], stack).replace(', ', ' to '))
    .join(', ');
}

function whyNot(architecture: Architecture, { stack, layer, cell }: Query): string {
  const stacks = architecture.stacks.filter((one) => stack === null || one.name === stack);
  const last = (of: Stack) => Math.max(...of.groups.map(({ layers }) => layers.at(-1) ?? 0));
  const has = (of: Stack) => of.groups.some(({ layers }) => layers.includes(layer ?? 0));
  if (layer !== null && !stacks.some(has)) {
    return `There is no layer ${layer}: they go from ${stacks.map((one) => `${layerAddress(one, 0)} to ${layerAddress(one, last(one))}`).join(', ')}.`;
  }
  if (layer !== null && cell !== null) return `L${layer} has nothing with that number.`;
  return 'Nothing here has that name, address, path or kind. Try L3, 3.7, attn, MoE, sliding window.';
}

/** Find. Results are the best first. */
export function search(architecture: Architecture, text: string): Search {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return { found: [], marks: null, why: '' };
  const query = parse(wanted, architecture);
  const matched = entriesOf(architecture)
    .filter((entry) => holds(entry, query))
    .map((entry) => ({ entry, score: fitAll(entry, query.words) }))
    .filter(({ score }) => score !== null)
    .sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
  const paths = atPath(architecture, wanted);
  const places = [...paths, ...layersNamed(architecture, query), ...matched.map(({ entry }) => found(entry, query))];
  const seen = new Set<string>();
  const all = places.filter(({ address, where }) => !seen.has(address + where) && seen.add(address + where));
  const kinds = query.words.length > 0 && query.layer === null && query.cell === null && paths.length === 0;
  const major = matched.filter(({ entry }) => !entry.minor);
  const best = major.length > 0 ? major : matched;
  return {
    found: all.slice(0, MOST),
    marks:
      kinds && best.length > 0
        ? marksOf(
            architecture,
            best.map(({ entry }) => entry),
            wanted,
          )
        : null,
    why: all.length > 0 ? '' : whyNot(architecture, query),
  };
}
