import { expect, it } from 'vitest';
import { viridis } from './colour';
import { s } from './dom';
import { paintNotch } from './hit';

const BOX = { x: 10, y: 20, w: 100, h: 40 };

/** Where the corner that is cut off is. */
function cornerOf(at: Parameters<typeof paintNotch>[1], over: -1 | 0 | 1): string {
  const group = s('g', {}, s('path', { class: 'gb-notch' })) as SVGGElement;
  paintNotch(group, at, over, viridis(1));
  return group.querySelector('.gb-notch')?.getAttribute('d') ?? '';
}

it('cuts a corner off what is beyond its scale, where no button covers it', () => {
  expect(cornerOf(BOX, 0)).toBe('');
  expect(cornerOf(BOX, 1)).toBe('M104,20 h6 v6 Z');
  expect(cornerOf(BOX, -1)).toBe('M104,60 h6 v-6 Z');
  expect(cornerOf({ ...BOX, opener: { x: 110, y: 20 } }, 1)).toBe('M16,20 h-6 v6 Z');
  expect(cornerOf({ ...BOX, opener: { x: 110, y: 20 } }, -1)).toBe('M104,60 h6 v-6 Z');
  expect(cornerOf({ ...BOX, opener: { x: 10, y: 20 } }, 1)).toBe('M104,20 h6 v6 Z');
});
