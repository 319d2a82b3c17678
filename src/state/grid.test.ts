import { describe, expect, it } from 'vitest';
import type { DecodedFrame } from '../wire/codec';
import type { Frame, FrameLayout } from '../wire/types.generated';
import { MOST_ROWS, roomFor, rowsOf, valuesOf } from './grid';
import { LayoutIndex } from './readings';

/** Two layers and an embedding, three statistics, two tokens: the number at each place says where it is. */
const layout: FrameLayout = {
  sites: [
    { address: 'embed', kind: 'embed' },
    { address: 'L0', kind: 'layer' },
    { address: 'L0.mlp', kind: 'block' },
    { address: 'L1', kind: 'layer' },
  ],
  stats: ['norm', 'nonfinite', 'change'],
  updates: ['L0.mlp'],
};
const NAN = Number.NaN;
const stats = [
  [10, 0, NAN, 11, 0, NAN],
  [20, 0, 0, 21, 0, 0.25],
  [30, 0, NAN, 31, 2, NAN],
  [NAN, 3, 0.5, 41, 0, NAN],
].flat();
const header = { first: 0, positions: 2, tokens: ['a', 'b'] } as unknown as Frame;
const frame: DecodedFrame = {
  header,
  stats: new Float32Array(stats),
  updates: new Float32Array([0.5, -0.25, 2, 1]),
  inside: new Map(),
};
const index = new LayoutIndex(layout);
const [a, b] = [
  { frame, position: 0 },
  { frame, position: 1 },
];

describe('tokens x layers', () => {
  it('has the last layer on top and the embedding below', () => {
    expect(rowsOf(index, 'norm').rows.map(({ name }) => name)).toEqual(['L1', 'L0', 'embed']);
    expect(rowsOf(index, 'update').rows.map(({ name }) => name)).toEqual(['L0.mlp']);
  });

  it('reads norms, changes, updates and cosines from their places', () => {
    const norm = rowsOf(index, 'norm');
    expect([0, 1, 2].map((row) => norm.value(row, b))).toEqual([41, 21, 11]);
    expect(norm.value(0, a)).toBeNaN();
    const change = rowsOf(index, 'change');
    expect([change.value(1, a), change.value(1, b), change.value(0, a)]).toEqual([0, 0.25, 0.5]);
    expect([rowsOf(index, 'update').value(0, a), rowsOf(index, 'update').value(0, b)]).toEqual([0.5, 2]);
    expect([rowsOf(index, 'cosine').value(0, a), rowsOf(index, 'cosine').value(0, b)]).toEqual([-0.25, 1]);
  });

  it('knows what is not finite, and what was not measured', () => {
    const norm = rowsOf(index, 'norm');
    expect([norm.nonfinite(0, a), norm.nonfinite(0, b), norm.nonfinite(0, null)]).toEqual([true, false, false]);
    expect(rowsOf(index, 'update').nonfinite(0, b)).toBe(true);
    expect(norm.value(0, null)).toBeNaN();
  });

  it('makes its scale of all of its values', () => {
    expect(valuesOf(rowsOf(index, 'cosine'), [a, b])).toEqual([0.25, 1]);
  });

  it('puts more layers together than there is room for, and shows the largest of each', () => {
    const many = 100;
    const deep = new LayoutIndex({
      sites: Array.from({ length: many }, (_, i) => ({ address: `L${i}`, kind: 'layer' as const })),
      stats: ['norm'],
      updates: [],
    });
    const norms = Float32Array.from({ length: many }, (_, i) => i + 1);
    const one = { frame: { ...frame, header: { ...header, positions: 1 }, stats: norms }, position: 0 };
    const rows = rowsOf(deep, 'norm');
    expect(rows.each).toBe(2);
    expect(rows.rows.length).toBeLessThanOrEqual(MOST_ROWS);
    expect(rows.rows[0]?.name).toBe('L98–L99');
    expect([rows.value(0, one), rows.value(49, one)]).toEqual([100, 2]);
  });
});

it('makes room for a text that grows in steps, and of a text that is there exactly', () => {
  expect([3, 8, 9, 12, 13, 30].map((columns) => roomFor(columns, 58, true))).toEqual([8, 8, 12, 12, 16, 32]);
  expect(roomFor(200, 58, true)).toBe(58);
  expect(roomFor(14, 58, false)).toBe(14);
});
