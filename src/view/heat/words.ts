/** What tokens x layers says in words: its kinds, a cell, and what its marks mean. */
import { fixed, percent, signed } from '../../layout/format';
import type { Rows } from '../../state/grid';
import type { HeatOf } from '../../state/local';
import type { Column } from '../../state/moment';
import { beyond } from '../../state/scale';
import type { View } from '../context';
import type { Look } from '../look';
import type { Grid } from './cells';

export const HEATS: Readonly<Record<HeatOf, string>> = {
  norm: 'norm of the stream',
  update: 'size of the updates',
  cosine: 'cosine of the updates',
  change: 'change of the stream',
};

/** A value as it is written. */
export function wordsOf(of: HeatOf, value: number): string {
  if (of === 'cosine') return `cosine ${signed(value)}`;
  if (of === 'norm') return `norm ${fixed(value, value < 10 ? 2 : 1)}`;
  return of === 'update' ? `${percent(value)} of the stream` : `${percent(value)} off the clean run`;
}

/** What there is at a row and a column. */
export function cellWords(rows: Rows, row: number, column: Column | null): string {
  if (rows.nonfinite(row, column)) return 'not finite';
  const value = rows.value(row, column);
  if (Number.isNaN(value)) return rows.of === 'change' ? 'not compared' : 'not read';
  return rows.of === 'change' && value === 0 ? 'exactly unchanged' : wordsOf(rows.of, value);
}

/** The row with the largest value in a column, in words; none where nothing is larger than nothing. */
export function largestOf(rows: Rows, column: Column | null): { name: string; address: string; words: string } | null {
  let [most, at] = [0, -1];
  rows.rows.forEach((_, row) => {
    const size = Math.abs(rows.value(row, column));
    if (size > most) [most, at] = [size, row];
  });
  const row = rows.rows[at];
  return row
    ? { name: row.name, address: row.addresses[0] ?? '', words: wordsOf(rows.of, rows.value(at, column)) }
    : null;
}

const SCALES: Readonly<Record<HeatOf, string>> = {
  norm: 'norm, log',
  update: 'of the stream, log',
  cosine: 'against to with the stream',
  change: 'of its norm, log',
};

/** What the scale means, and each mark that some cell has, as it is drawn there. */
export function notesOf(look: Look, { rows, columns, limits }: Grid): string[] {
  const { of, each, scaled } = rows;
  const some = (is: (value: number) => boolean) =>
    columns.some((column) => rows.rows.some((_, row) => is(rows.value(row, column))));
  const notes = [
    SCALES[of],
    each > 1 && `each row: the largest of ${each}`,
    look.now?.frame.header.first_nonfinite && '× not finite',
    of === 'change' && '□ exactly unchanged',
    of !== 'change' && some(Number.isNaN) && '□ not read',
    scaled && some((value) => beyond(value, limits) > 0) && '◥ above',
    scaled && some((value) => beyond(value, limits) < 0) && '◢ below',
  ];
  return notes.filter((note) => typeof note === 'string');
}

/**
 * Of which tokens a page without a kernel has no values, in a sentence: it holds each single ablation, and of a long
 * text the last tokens of each. Empty where it has all.
 */
export function missingIn({ now }: Look, view: View): string {
  const { first = 0, positions = 0 } = now?.frame.header ?? {};
  if (first === 0 || view.session.page.value.connection !== 'recorded') return '';
  const kept = positions === 1 ? 'the last token' : `the last ${fixed(positions)} tokens`;
  return `This page keeps the values of ${kept} of ${fixed(first + positions)}, to stay small. Open the notebook for the others.`;
}
