/**
 * Finding what a person names: an address (`L3.attn.H7`, `l3 h7`, `3.7`), a module path, or words for a kind. What is
 * searched is one entry for each block of each group of layers, and where it is follows by arithmetic: a list of all
 * addresses of a large model would have millions.
 */
import type { Architecture, Group, Stack } from '../wire/types.generated';
import { layerRange } from './format';
import { groupKey, layerAddress, layerOf, withParts } from './model';
import { type Entry, entriesOf, type Found } from './search-index';
import { asPath, atPath, isOwn, type Piece, withPiece } from './search-paths';

export type { Found } from './search-index';

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

/** More layers than this are not named one by one. */
const NAMED = 2000;
const MOST = 40;

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
  return `Nothing here is called that. ${searchable(architecture)}`;
}

/** What can be searched for, with examples that this model has. */
export function searchable(architecture: Architecture): string {
  const entries = entriesOf(architecture).filter(({ minor }) => !minor);
  const celled =
    entries.find(({ cells, place }) => place && cells && cells.count > 0) ?? entries.find(({ place }) => place);
  const [only] = celled ? [found(celled, EVERYWHERE)] : [];
  const cell = celled?.cells ? `.${celled.cells.prefix}0` : '';
  const path = celled?.block.path.split('.').slice(-3).join('.');
  const common = [
    ['sliding window', 'sliding'],
    ['MoE', 'moe'],
  ].flatMap(([name = '', word = '']) => (entries.some(({ words }) => words.includes(word)) ? [name] : []));
  const called = entries.flatMap(({ place, kind }) => (place && /^\D/.test(kind) ? (kind.split(',')[0] ?? []) : []));
  const kinds = [...new Set([...common, ...called])];
  const examples = [
    only ? `an address (${only.address}${cell})` : '',
    path ? `a module path or a piece of one (${path})` : '',
    kinds.length > 0 ? `or a kind (${kinds.slice(0, 4).join(', ')})` : '',
  ].filter((one) => one !== '');
  return `Search by ${examples.join(', ')}.`;
}

const EVERYWHERE: Query = { stack: null, layer: null, cell: null, words: [] };

/** A piece of a path as what is found: with the module that it names, where that is not the block itself. */
function foundAt({ entry, layer, found: there, module }: Piece): Found | null {
  if (there || !entry) return there;
  const one = found(entry, { ...EVERYWHERE, layer });
  return isOwn(entry, module) ? one : { ...one, about: `${module.split('.').at(-1)} in ${one.about}`, path: module };
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
  const path = asPath(wanted);
  const pieces = withPiece(architecture, path);
  const [ats, byPiece] = [atPath(architecture, path), pieces.map(foundAt).filter((one) => one !== null)];
  const byWords = [...layersNamed(architecture, query), ...matched.map(({ entry }) => found(entry, query))];
  // A dot or an underscore is of a path, or of an address: what is at that stands first.
  const named = path.includes('.') || path.includes('_') ? [...byPiece, ...byWords] : [...byWords, ...byPiece];
  const seen = new Set<string>();
  const exact = query.layer !== null ? [...byWords, ...byPiece] : named;
  const all = [...ats, ...exact].filter(
    ({ address, where }) => !seen.has(address + where) && seen.add(address + where),
  );
  const placed =
    ats.length > 0 || query.layer !== null || query.cell !== null || pieces.some(({ layer }) => layer !== null);
  const everywhere = [...matched.map(({ entry }) => entry), ...pieces.flatMap(({ entry }) => entry ?? [])];
  const major = everywhere.filter(({ minor }) => !minor);
  const best = major.length > 0 ? major : everywhere;
  return {
    found: all.slice(0, MOST),
    marks: !placed && query.words.length > 0 && best.length > 0 ? marksOf(architecture, best, wanted) : null,
    why: all.length > 0 ? '' : whyNot(architecture, query),
  };
}
