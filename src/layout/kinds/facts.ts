/** Facts as rows of the detail panel. */
import type { Source } from '../../wire/types.generated';
import { stated } from '../format';
import type { FactRow } from './kind';

interface Fact {
  value: unknown;
  source: Source;
  where: string;
}

function words(value: unknown): string {
  if (typeof value === 'number') return stated(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map(words).join(' × ');
  return String(value);
}

/** Rows for the facts that there are. A fact that is null, or false, or the empty word, says nothing and is left out. */
export function factRows(facts: readonly (readonly [string, Fact | null])[]): FactRow[] {
  return facts.flatMap(([label, fact]) => {
    if (!fact || fact.value === false || fact.value === '' || fact.value === 0 || fact.value === 'none') return [];
    return [{ label, value: words(fact.value), source: fact.source, where: fact.where }];
  });
}
