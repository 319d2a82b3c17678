import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pointed } from './pointed';

const host = document.createElement('div');
let controller: AbortController;
let weight = 1;

beforeEach(() => {
  vi.useFakeTimers();
  controller = new AbortController();
  weight = 1;
});
afterEach(() => {
  controller.abort();
  vi.useRealTimers();
});

it('says of a cell what is true now, also where that changes while the pointer rests', () => {
  const cells = {
    at: () => 'E3',
    boxOf: () => [0, 0, 4, 4] as const,
    nameOf: (cell: string) => cell,
    wordsOf: () => `weight ${weight}`,
  };
  const pointed = new Pointed(host, cells, { frame: 'frame', tip: 'tip', does: 'Click' }, controller.signal);
  pointed.refresh();
  expect(pointed.tip.textContent).toBe('Click');
  host.dispatchEvent(new PointerEvent('pointermove'));
  vi.advanceTimersByTime(200);
  expect(pointed.tip.textContent).toBe('E3weight 1Click');
  weight = 2;
  pointed.refresh();
  expect(pointed.tip.textContent).toBe('E3weight 2Click');
});
