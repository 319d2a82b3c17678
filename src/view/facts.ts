/** What is known of a block, in rows: each with its value and how that is known, as a glyph and in words. */
import { big, fixed, percent } from '../layout/format';
import { describe, type FactRow } from '../layout/kinds';
import { costsOf } from '../layout/kinds/costs';
import type { Located } from '../layout/model';
import type { Block, Source } from '../wire/types.generated';
import { h } from './dom';

/** How a fact is known, as a glyph; the word is read to a screen reader, and said under the facts. */
export const GLYPHS: Readonly<Record<Source, string>> = { observed: '●', module: '◐', config: '□', assumed: '◌' };

export const WORDS: Readonly<Record<Source, string>> = {
  observed: 'observed in a forward pass',
  module: 'from the module',
  config: 'from the config',
  assumed: 'assumed',
};

/** A shape as people write it; its free dimensions by name. */
export const shapeWords = (of: Block['reads']): string =>
  of.map((one) => (/^\d+$/.test(String(one)) ? fixed(Number(one)) : one)).join(' × ');

/** What holds for every kind of block: what goes in and out, how much it multiplies, who shares it. */
function aboutOf(block: Block, dtype: string | undefined): FactRow[] {
  const { reads, makes, weights, shared } = block;
  const shape = (label: string, of: Block['reads']): FactRow[] =>
    of.length === 0 ? [] : [{ label, value: shapeWords(of), source: 'observed', where: 'traced' }];
  const work: FactRow[] =
    weights === 0
      ? []
      : [{ label: 'Multiply-adds', value: `${big(weights)} a token`, source: 'observed', where: 'learned matrices' }];
  const sharing: FactRow[] = shared
    ? [{ label: 'Shared by', value: `${shared.value} blocks`, source: shared.source, where: shared.where }]
    : [];
  return [...shape('Reads', reads), ...shape('Makes', makes), ...work, ...costsOf(block, dtype), ...sharing];
}

/** Parameters, exact, and how much of the layer and of the model that is. */
function paramRows(params: number, layer: number | null, model: number): FactRow[] {
  const row = (label: string, value: string): FactRow => ({ label, value, source: 'module', where: 'counted' });
  const share = (of: number) => percent(params / of, params / of < 0.1 ? 2 : 1);
  return [
    row('Parameters', fixed(params)),
    ...(layer === null || layer === 0 || params === 0 ? [] : [row('Share of the layer', share(layer))]),
    ...(model === 0 || params === 0 ? [] : [row('Share of the model', share(model))]),
  ];
}

/** All that is known of something; `total` is how many parameters the model has. */
export function rowsOf(located: Located, total: number, dtype?: string): FactRow[] {
  const { block, layer, sub } = located;
  if (!block) return layer ? paramRows(layer.params, null, total) : [];
  const facts = describe(block).facts;
  if (sub !== '') return [...facts];
  return [...paramRows(block.params, layer?.params ?? null, total), ...aboutOf(block, dtype), ...facts];
}

/** Two facts share a line where each has at most as many letters as this; a longer one has a line of its own. */
const PAIRED = 24;

export function factList(rows: readonly FactRow[]): HTMLElement {
  return h(
    'dl',
    { class: 'gb-facts' },
    ...rows.map(({ label, value, source, where }) =>
      h(
        'div',
        {
          class: label.length + value.length > PAIRED ? 'gb-wide' : null,
          title: where === '' ? WORDS[source] : `${WORDS[source]}: ${where}`,
        },
        h('dt', {}, label),
        h(
          'dd',
          {},
          h('bdi', {}, value),
          h('span', { class: 'gb-glyph', role: 'img', 'aria-label': WORDS[source] }, GLYPHS[source]),
        ),
      ),
    ),
  );
}

/** The sources of some facts, strongest first. */
export function sourcesIn(rows: readonly FactRow[]): Source[] {
  return (Object.keys(GLYPHS) as Source[]).filter((source) => rows.some((row) => row.source === source));
}

/** What the glyphs beside these facts mean. */
export function sourcesOf(rows: readonly FactRow[]): HTMLElement {
  const key = sourcesIn(rows).map((source) => h('span', {}, `${GLYPHS[source]} ${WORDS[source]}`));
  return h('p', { class: 'gb-sources', 'aria-hidden': 'true' }, ...key);
}
