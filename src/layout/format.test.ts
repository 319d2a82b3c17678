import { describe, expect, it } from 'vitest';
import {
  big,
  compact,
  effectText,
  fixed,
  layerRange,
  measured,
  nats,
  percent,
  points,
  signed,
  stated,
  weightText,
} from './format';

/** Values and what is written, in turn. */
function pairs(...all: (number | string)[]): [number, string][] {
  return all.flatMap((one, i) => (i % 2 === 0 ? [[one as number, all[i + 1] as string] as [number, string]] : []));
}

describe('numbers', () => {
  it('have a true minus and commas between thousands', () => {
    expect(fixed(-1234567.891, 1)).toBe('−1,234,567.9');
    expect(signed(0.25)).toBe('+0.25');
    expect(signed(-2.944)).toBe('−2.94');
  });

  it('have no minus when they round to zero', () => {
    expect(fixed(-0.001, 2)).toBe('0.00');
    expect([signed(0.001), signed(-0.001)]).toEqual(['0.00', '0.00']);
  });

  it('are written as what they are where they are not finite', () => {
    expect([fixed(Number.NEGATIVE_INFINITY, 1), signed(Number.POSITIVE_INFINITY)]).toEqual(['−∞', '+∞']);
    expect([percent(Number.POSITIVE_INFINITY), compact(Number.NEGATIVE_INFINITY)]).toEqual(['∞ %', '−∞']);
    expect([fixed(Number.NaN), compact(Number.NaN)]).toEqual(['NaN', '']);
  });

  it('count parameters in a unit that keeps them short', () => {
    expect(big(671_026_419_200)).toBe('671.0 B');
    expect(big(8_190_735_360)).toBe('8.19 B');
    expect(big(124_439_808)).toBe('124.4 M');
    expect(big(999_999)).toBe('1.00 M');
    expect(big(812)).toBe('812');
  });

  // What each way of writing makes of values of every size: tiny, round, huge, negative, and none.
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
  const TABLE: Readonly<Record<string, readonly [write: (value: number) => string, ...[number, string][]]>> = {
    'a share': [
      percent,
      ...pairs(0, '0.0 %', -0, '0.0 %', 1e-9, '< 0.01 %', 0.00009, '< 0.01 %', 0.0001, '0.01 %', 0.00032, '0.03 %'),
      ...pairs(0.00094, '0.09 %', 0.00097, '0.1 %', 0.918, '91.8 %', 0.99941, '99.9 %', 0.99962, '99.96 %'),
      ...pairs(0.9999999, '> 99.99 %', 1, '100.0 %', 1.6, '160.0 %', 9.9999, '1,000 %', 10, '1,000 %'),
      ...pairs(1e9, '1 × 10¹¹ %', -0.00001, '≈ 0 %', -0.5, '−50.0 %', inf, '∞ %', nan, 'NaN'),
    ],
    'a share in whole percent': [
      (value) => percent(value, 0),
      ...pairs(
        0,
        '0 %',
        0.0004,
        '0.04 %',
        0.004,
        '0.4 %',
        0.0097,
        '1 %',
        0.013,
        '1 %',
        0.99998,
        '100 %',
        6.87,
        '687 %',
      ),
      ...pairs(12.345, '1,235 %', 1e-7, '< 0.01 %'),
    ],
    'a difference of probabilities': [
      points,
      ...pairs(
        -0.7044,
        '−70.4 pt',
        0.432,
        '+43.2 pt',
        0,
        '0.0 pt',
        -0.0003,
        '−0.03 pt',
        -1e-6,
        '≈ 0 pt',
        1,
        '+100.0 pt',
      ),
    ],
    'something measured': [
      measured,
      ...pairs(1.31e-9, '1.31 × 10⁻⁹', -2e-5, '−2 × 10⁻⁵', 0.00314159, '0.00314', 0, '0', -0, '0', 24.83, '24.8'),
      ...pairs(1290, '1,290', 123_456.7, '123,457', 1.5e6, '1.50 × 10⁶', 2e38, '2 × 10³⁸', -inf, '−∞', nan, 'NaN'),
    ],
    'what a configuration states': [
      stated,
      ...pairs(1e-6, '1e−6', 1e-5, '1e−5', 0.0625, '0.0625', 10_000, '10,000', 0.02, '0.02', 1.25e-4, '1.25e−4'),
    ],
    'a weight': [
      weightText,
      ...pairs(0, '0.00', 0.84, '0.84', 0.0031, '0.0031', 0.00001, '< 0.0001', -0.00001, '≈ 0', nan, 'NaN'),
    ],
    'a divergence': [
      nats,
      ...pairs(1.15, '1.15 nats', 15.2766, '15.28 nats', 0.0069, '0.0069 nats', 1.31e-9, '< 0.0001 nats'),
      ...pairs(0, '0 nats', -1e-9, '< 0.0001 nats', inf, '∞ nats'),
    ],
    'an effect': [
      effectText,
      ...pairs(0, '0', -2, '−2.00', 0.0512, '+0.051', -0.0051, '−0.0051', 1e-6, '≈ 0', 1234.5, '+1,234.50', nan, 'NaN'),
    ],
    'a number in a cell': [
      compact,
      ...pairs(0, '0', 0.001, '<.01', 0.437, '0.44', 6.21, '6.2', 48.3, '48', 1290, '1.3k', 123_456, '123k'),
      ...pairs(3.2e12, '3e12', -4e7, '−4e7', nan, ''),
    ],
  };

  describe.each(Object.entries(TABLE))('%s', (_, [write, ...rows]) => {
    it.each(rows)('%s is written %s', (value, text) => {
      expect(write(value)).toBe(text);
    });
  });
});

describe('layers in words', () => {
  it('are a range, a list, or a step', () => {
    expect(layerRange([5])).toBe('L5');
    expect(layerRange([0, 1, 2])).toBe('L0 to L2');
    expect(layerRange([3, 7, 11])).toBe('L3, L7, L11');
    expect(layerRange([3, 7, 11, 15, 19])).toBe('every 4th, L3 to L19');
    expect(layerRange([0, 1, 3, 4, 9])).toBe('among L0 to L9');
    expect(layerRange([0, 1, 3, 4, 5])).toBe('L0 to L5 but L2');
    expect(layerRange([0, 1, 3, 5, 6])).toBe('L0 to L6 but L2, L4');
    expect(layerRange([0, 1, 2, 4, 5, 6, 8, 9, 10, 12])).toBe('L0 to L12 but every 4th from L3');
    expect(layerRange([0, 1, 5, 6, 7, 8])).toBe('among L0 to L8');
    expect(layerRange([0, 1], 'enc')).toBe('enc.L0 to enc.L1');
  });
});
