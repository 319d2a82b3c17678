/**
 * What a group of layers is called: by what its layers do and those of other groups do not. Of a stack of dense layers
 * and layers with experts, `Dense layer` and `MoE layer`; where all have experts, what tells them apart comes before that.
 */
import type { AttentionSpec, Block, Group, Layer, MixerSpec, Stack } from '../wire/types.generated';

const added = ({ blocks, branches }: Layer): Block[] => {
  const named = new Set(branches.map(({ block }) => block));
  return blocks.filter(({ address }) => named.has(address));
};

function mixingOf(block: Block): string[] {
  if (block.spec?.kind === 'mixer') {
    const { variant, family } = block.spec as MixerSpec;
    return [variant?.value ?? family.value.replaceAll('_', ' ')];
  }
  if (block.spec?.kind !== 'attention') return [];
  const { window, chunk } = block.spec as AttentionSpec;
  return [window ? 'sliding-window' : chunk ? 'chunked' : 'full-attention'];
}

/** How each layer's tokens are mixed, but for what all others do besides; next to other mixers, attention has its name. */
function mixing(layers: readonly Layer[], mixers: boolean): string[] {
  const all = layers.map((layer) => [...new Set(added(layer).flatMap(mixingOf))]);
  const attention = (word: string) => (mixers && word === 'full-attention' ? 'attention' : word);
  return all.map((words) => {
    const own = words.filter((word) => !all.every((others) => others.includes(word)));
    return (own.length > 0 ? own : words).map(attention).join(' + ');
  });
}

function feeding(layer: Layer): string {
  const kinds = new Set(added(layer).map(({ spec }) => spec?.kind));
  return kinds.has('moe') ? 'MoE' : kinds.has('mlp') ? 'dense' : '';
}

const attentionOf = (layer: Layer): AttentionSpec[] =>
  added(layer).flatMap(({ spec }) => (spec?.kind === 'attention' ? [spec] : []));

/** Further marks, for groups that the words before do not tell apart. */
const MARKS: readonly ((layer: Layer) => string)[] = [
  (layer) => (attentionOf(layer).some((spec) => spec.shared_kv !== null) ? 'shared keys' : ''),
  (layer) => (attentionOf(layer).some((spec) => spec.rope_dims.value === 0) ? 'no rotation' : ''),
  (layer) => (layer.branches.some(({ context }) => context !== null) ? 'cross-attention' : ''),
];

const unlike = (words: readonly string[]) => new Set(words).size > 1;

interface Named {
  readonly mix: string;
  readonly feed: string;
  readonly marks: readonly string[];
}

function namesOf({ groups }: Stack): Named[] {
  const layers = groups.map(({ template }) => template);
  const mixers = layers.some((layer) => added(layer).some(({ spec }) => spec?.kind === 'mixer'));
  const [mixes, feeds] = [mixing(layers, mixers), layers.map(feeding)];
  const first = layers.map((_, i): Named => {
    const feed = feeds[i] ?? '';
    return {
      mix: unlike(mixes) || mixers ? (mixes[i] ?? '') : '',
      feed: unlike(feeds) || feed === 'MoE' ? feed : '',
      marks: [],
    };
  });
  return MARKS.reduce((names, markOf) => {
    const marks = layers.map(markOf);
    const keys = names.map((name) => JSON.stringify(name));
    const found = new Map<string, Set<string>>();
    keys.forEach((key, i) => {
      found.set(key, (found.get(key) ?? new Set()).add(marks[i] ?? ''));
    });
    return names.map((name, i) => {
      const told = (found.get(keys[i] ?? '')?.size ?? 0) > 1 && marks[i];
      return told ? { ...name, marks: [...name.marks, told] } : name;
    });
  }, first);
}

const spaced = (...words: readonly string[]) => words.filter((word) => word !== '').join(' ');

/** Kinds of attention by their first word. */
const short = (mix: string) => mix.replace(/[- ](window|attention)/g, '');

/** A group's name in full, and then with fewer and fewer words. */
const FORMS: readonly ((name: Named) => string)[] = [
  ({ mix, feed, marks }) => [spaced(mix, feed, 'layer'), ...marks].join(', '),
  ({ mix, feed }) => spaced(mix, feed, 'layer'),
  ({ mix, feed }) => spaced(mix, feed),
  ({ mix }) => mix && `${mix} layer`,
  ({ mix }) => mix,
  ({ mix, feed }) => spaced(short(mix), feed),
  ({ mix }) => short(mix),
  ({ feed }) => feed && `${feed} layer`,
  ({ feed }) => feed,
];

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** What the layers of each group are called. */
function newTitles(stack: Stack): string[][] {
  const names = namesOf(stack).map((name) => ({ name, forms: FORMS.map((form) => form(name)) }));
  // In full, the names of the groups that a form would be a name of.
  const called = FORMS.map((_, i) => {
    const wholes = new Map<string, Set<string>>();
    for (const { forms } of names) {
      const [whole = '', form = ''] = [forms[0], forms[i]];
      wholes.set(form, (wholes.get(form) ?? new Set()).add(whole));
    }
    return wholes;
  });
  return names.map(({ name, forms }) => {
    const titles = forms.filter((form, i) => called[i]?.get(form)?.size === 1);
    // What others are called, too, is better than nothing where there is room for no more.
    const last = [spaced(short(name.mix), name.feed), short(name.mix)];
    return [...new Set([...[...titles, ...last].filter((title) => title !== ''), ''].map(capital))];
  });
}

/** Stacks do not change: their titles are put together once, also where there are dozens of groups. */
const KNOWN = new WeakMap<Stack, string[][]>();

/** What the layers of a group are called, long to short; the last one is empty. Short ones that are no other group's come first. */
export function titlesOf(stack: Stack, group: Group): string[] {
  const titles = KNOWN.get(stack) ?? newTitles(stack);
  KNOWN.set(stack, titles);
  return titles[stack.groups.indexOf(group)] ?? [''];
}
