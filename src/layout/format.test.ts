import { describe, expect, it } from 'vitest';
import { big, compact, fixed, layerRange, percent, points, signed } from './format';

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

  it('show a probability so that only 0 is 0', () => {
    expect(percent(0.918)).toBe('91.8 %');
    expect(percent(0.00032)).toBe('0.03 %');
    expect(percent(0.0000001)).toBe('< 0.001 %');
    expect(percent(0)).toBe('0.0 %');
    expect(percent(0.99941)).toBe('99.9 %');
    expect(percent(0.99962)).toBe('99.96 %');
    expect(percent(0.999962)).toBe('99.996 %');
    expect(percent(0.9999999)).toBe('> 99.999 %');
    expect(percent(0.99998, 0)).toBe('100 %');
    expect(percent(1)).toBe('100.0 %');
    expect(percent(1.6)).toBe('160.0 %');
  });

  it('show a difference of probabilities in points', () => {
    expect(points(-0.7044)).toBe('−70.4 pt');
    expect(points(0.432)).toBe('+43.2 pt');
  });

  it('fit into a cell', () => {
    const values = [0, 0.001, 0.437, 6.21, 48.3, 1290, 123_456];
    expect(values.map(compact)).toEqual(['0', '<.01', '0.44', '6.2', '48', '1.3k', '123k']);
    expect(compact(Number.NaN)).toBe('');
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
