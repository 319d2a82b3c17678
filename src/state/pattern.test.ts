import { describe, expect, it } from 'vitest';
import type { DecodedFrame } from '../wire/codec';
import { numbersOf } from '../wire/numbers';
import type { Tapped } from '../wire/types.generated';
import { difference, habitOf, matrixPattern, moved, type Pattern, patternOf, strongest } from './pattern';

const NAME = 'L0.attn.pattern';

function tapped(shape: Tapped['shape'], first: number, values: readonly number[], more: Partial<Tapped> = {}) {
  const of: Tapped = { name: NAME, shape, dtype: 'float32', first, queries: null, keys: null, ...more };
  return numbersOf(of, new Float32Array(values).buffer);
}

/** A frame whose only content is a pattern. */
function frame(first: number, positions: number, inside: ReturnType<typeof tapped> | null): DecodedFrame {
  const header = { first, positions, tokens: [] } as unknown as DecodedFrame['header'];
  return {
    header,
    stats: new Float32Array(),
    updates: new Float32Array(),
    inside: new Map(inside ? [[NAME, inside]] : []),
  };
}

const columnsOf = (of: DecodedFrame) =>
  Array.from({ length: of.header.positions }, (_, position) => ({ frame: of, position }));

const grid = ({ queries, keys, at }: Pattern, head = 0) =>
  queries.map((_, row) => keys.map((__, column) => at(head, row, column)));

const whole = (rows: readonly (readonly number[])[]): Pattern => {
  const of = frame(0, rows.length, tapped([1, rows.length, rows[0]?.length ?? 0], 0, rows.flat()));
  const pattern = patternOf({
    name: NAME,
    frame: of,
    columns: columnsOf(of),
    tokens: ['a', 'b', 'c', 'd', 'e'],
    causal: true,
  });
  if (!pattern) throw new Error('no pattern');
  return pattern;
};

const NO = Number.NaN;

describe('the pattern of a pass', () => {
  it('has what each query gives each key, and nothing where it cannot look', () => {
    expect(
      grid(
        whole([
          [1, 0],
          [0.25, 0.75],
        ]),
      ),
    ).toEqual([
      [1, NO],
      [0.25, 0.75],
    ]);
  });

  it('has a row for each generated token, from the frames that hold them', () => {
    const prompt = frame(0, 2, tapped([1, 2, 2], 0, [1, 0, 0.5, 0.5]));
    const third = frame(2, 1, tapped([1, 1, 3], 2, [0.25, 0.25, 0.5]));
    const lost = frame(3, 1, null);
    const fifth = frame(4, 1, tapped([1, 1, 5], 4, [0, 0, 0, 0, 1]));
    const columns = [...columnsOf(prompt), ...columnsOf(third), ...columnsOf(lost), ...columnsOf(fifth)];
    const pattern = patternOf({ name: NAME, frame: fifth, columns, tokens: [], causal: true });
    expect(pattern && grid(pattern)).toEqual([
      [1, NO, NO, NO, NO],
      [0.5, 0.5, NO, NO, NO],
      [0.25, 0.25, 0.5, NO, NO],
      [NO, NO, NO, NO, NO],
      [0, 0, 0, 0, 1],
    ]);
  });

  it('begins where the first row is that was sent, and says how many were not', () => {
    const of = frame(0, 4, tapped([1, 2, 4], 2, [0.1, 0.2, 0.7, 0, 0.25, 0.25, 0.25, 0.25]));
    const pattern = patternOf({ name: NAME, frame: of, columns: columnsOf(of), tokens: [], causal: true });
    expect(pattern?.before).toBe(2);
    expect(pattern?.queries.map(({ position }) => position)).toEqual([2, 3]);
    expect(pattern?.at(0, 0, 2)).toBeCloseTo(0.7);
  });

  it('places the keys of a sliding cache at the end, and those of a static cache at the beginning', () => {
    const slid = frame(3, 1, tapped([1, 1, 2], 3, [0.4, 0.6]));
    const fixed = frame(1, 1, tapped([1, 1, 4], 1, [0.4, 0.6, 0, 0]));
    const row = (of: DecodedFrame) => {
      const start = of.header.first;
      const columns = [...Array.from({ length: start }, () => null), ...columnsOf(of)];
      const pattern = patternOf({ name: NAME, frame: of, columns, tokens: [], causal: true });
      return pattern && grid(pattern)[0]?.map((value) => Number(value.toFixed(2)));
    };
    expect(row(slid)).toEqual([0, 0, 0.4, 0.6]);
    expect(row(fixed)).toEqual([0.4, 0.6]);
  });

  it('of a decoder that looks at an encoder has the encoder’s tokens as keys, and no mask', () => {
    const of = frame(0, 1, tapped([1, 1, 3], 0, [0.2, 0.3, 0.5], { keys: ['x', 'y', 'z'] }));
    const pattern = patternOf({ name: NAME, frame: of, columns: columnsOf(of), tokens: ['a'], causal: true });
    expect(pattern?.keys.map(({ token }) => token)).toEqual(['x', 'y', 'z']);
    expect(pattern?.at(0, 0, 2)).toBe(0.5);
  });
});

describe('what a head does', () => {
  const four = (row: (at: number) => number[]) => whole([0, 1, 2, 3].map((at) => [...row(at), 0, 0, 0].slice(0, 4)));
  const onto = (key: (at: number) => number, mass = 1) =>
    four((at) => Array.from({ length: at + 1 }, (_, i) => (i === Math.max(0, key(at)) ? mass : 0)));

  it.each([
    ['first token', onto(() => 0)],
    ['previous', onto((at) => at - 1)],
    ['itself', onto((at) => at)],
    ['diffuse', four((at) => Array.from({ length: at + 1 }, () => 1 / (at + 1)))],
    ['sink', onto((at) => at, 0.3)],
    [null, onto((at) => at, 1 / 2)],
  ])('%s', (habit, pattern) => {
    expect(habitOf(pattern, 0)).toBe(habit);
  });

  it('is nothing where a text is too short to tell the first token from the one before', () => {
    expect(
      habitOf(
        whole([
          [1, 0],
          [1, 0],
        ]),
        0,
      ),
    ).toBeNull();
  });
});

describe('two patterns', () => {
  const [a, b] = [
    whole([
      [1, 0],
      [0.25, 0.75],
    ]),
    whole([
      [1, 0],
      [1, 0],
    ]),
  ];

  it('differ by the share of weight that is elsewhere, and cell by cell', () => {
    expect(moved(a, b, 0)).toBeCloseTo((0 + 0.75) / 2);
    expect(grid(difference(a, b))).toEqual([
      [0, NO],
      [-0.75, 0.75],
    ]);
  });

  it('the strongest key of a query is the one of the largest size', () => {
    expect(strongest(a, 0, 1)).toEqual({ column: 1, weight: 0.75 });
    expect(strongest(difference(b, a), 0, 1)?.column).toBe(0);
  });
});

it('the matrix of a mixer has its signs, and no sources that come later', () => {
  const matrix = matrixPattern(tapped([1, 2, 2], 0, [-0.5, 9, 0.25, -0.125]), ['a', 'b']);
  expect(grid(matrix)).toEqual([
    [-0.5, NO],
    [0.25, -0.125],
  ]);
});
