/**
 * Tokens x layers, as numbers. Rows are what runs after each other, the last on top: the stream after each layer, or
 * what each branch adds to it. More of them than there is room for are put together, each row showing the largest.
 */
import type { HeatOf } from './local';
import type { Column } from './moment';
import type { LayoutIndex } from './readings';

export const MOST_ROWS = 64;

export interface Row {
  readonly name: string;
  /** What it stands for: one address, or several that are put together. */
  readonly addresses: readonly string[];
}

export interface Rows {
  readonly of: HeatOf;
  readonly rows: readonly Row[];
  /** How many one row stands for. */
  readonly each: number;
  /** Whether values are coloured on a scale of this sequence's own, which some may be beyond. */
  readonly scaled: boolean;
  /** What is shown of a row at a token; NaN where it was not measured. */
  value(row: number, column: Column | null): number;
  /** Whether some of the values there are infinite or no numbers. */
  nonfinite(row: number, column: Column | null): boolean;
}

/** `L4 to L7`, or `L4.attn to L5.mlp`. */
const nameOf = (addresses: readonly string[]) =>
  addresses.length > 1 ? `${addresses[0]}–${addresses.at(-1)}` : (addresses[0] ?? '');

function put(addresses: readonly string[], each: number): Row[] {
  const starts = Array.from({ length: Math.ceil(addresses.length / each) }, (_, i) => i * each);
  return starts.map((start) => {
    const own = addresses.slice(start, start + each);
    return { name: nameOf(own), addresses: own };
  });
}

/** A number of a frame's buffer; NaN where it has none. */
function statistic(index: LayoutIndex, name: string): (row: number, column: Column) => number {
  const [at, size] = [index.stat.get(name) ?? -1, index.stat.size];
  return (row, { frame, position }) => {
    const { positions } = frame.header;
    return row < 0 || at < 0 ? Number.NaN : (frame.stats[(row * positions + position) * size + at] ?? Number.NaN);
  };
}

function ofUpdate(which: 0 | 1): (row: number, column: Column) => number {
  return (row, { frame, position }) =>
    frame.updates[(row * frame.header.positions + position) * 2 + which] ?? Number.NaN;
}

/** The rows that a layout has for what is to be shown; none where nothing of the kind is read. */
export function rowsOf(index: LayoutIndex, of: HeatOf): Rows {
  const updates = of === 'update' || of === 'cosine';
  const addresses = updates ? index.layout.updates : index.sites('layer');
  const each = Math.ceil(addresses.length / MOST_ROWS) || 1;
  const below = updates ? [] : index.sites('embed').slice(0, 1);
  const rows = [...put(below, 1), ...put(addresses, each)].reverse();
  const table = updates ? index.update : index.site;
  const places = rows.map((row) => row.addresses.map((address) => table.get(address) ?? -1));
  const sites = rows.map((row) => row.addresses.map((address) => index.site.get(address) ?? -1));
  const read = updates ? ofUpdate(of === 'update' ? 0 : 1) : statistic(index, of);
  const bad = statistic(index, 'nonfinite');
  return {
    of,
    rows,
    each,
    scaled: of === 'norm' || of === 'update',
    value(row, column) {
      let largest = Number.NaN;
      for (const place of (column && places[row]) ?? []) {
        const value = read(place, column as Column);
        if (!(Math.abs(value) <= Math.abs(largest))) largest = Number.isNaN(value) ? largest : value;
      }
      return largest;
    },
    nonfinite: (row, column) => column !== null && (sites[row]?.some((site) => bad(site, column) > 0) ?? false),
  };
}

/** How many rows there are of what has the most of them. */
export function mostRowsOf(index: LayoutIndex): number {
  return Math.max(...(['norm', 'update'] as const).map((of) => rowsOf(index, of).rows.length));
}

/** All that a frame has of some rows: what their scale is made of. */
export function valuesOf({ rows, value }: Rows, columns: readonly (Column | null)[]): number[] {
  return rows.flatMap((_, row) => columns.map((column) => Math.abs(value(row, column))));
}

/** How many columns there is room for: it grows by steps, so that cells keep their width while a text is written. */
export function roomFor(columns: number, most: number, grows: boolean): number {
  if (!grows) return Math.max(1, Math.min(columns, most));
  let room = 8;
  while (room < columns) room *= room % 3 === 0 ? 4 / 3 : 1.5;
  return Math.min(room, most);
}
