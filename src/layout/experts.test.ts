import { describe, expect, it } from 'vitest';
import type { Mixture } from '../state/routing';
import { cellAt, every, leftOf, rasterGrid, stepped, topOf, windowOf } from './experts';

/** Mixtures with so many experts each, from the bottom. */
function mixtures(...experts: number[]): Mixture[] {
  let offset = 0;
  return experts.map((count, index) => {
    const one = { address: `L${index}.moe`, index, experts: count, row: offset, offset };
    offset += count;
    return one;
  });
}

const of = (layers: number, experts: number) => mixtures(...Array.from({ length: layers }, () => experts));

describe.each([
  [32, 64, 620],
  [58, 256, 560],
  [58, 256, 1900],
  [1, 8, 620],
  [94, 128, 300],
  [3, 4, 260],
])('the raster of %i layers × %i experts in %i px', (layers, experts, room) => {
  const all = of(layers, experts);

  it.each([1, 1.25, 2])('has each cell once, at density %f, and finds it where it is', (density) => {
    const grid = rasterGrid(all, room, density);
    expect(grid.width).toBeLessThanOrEqual(Math.ceil(room * density));
    const missed: string[] = [];
    for (let mixture = 0; mixture < layers; mixture++) {
      for (let expert = 0; expert < experts; expert++) {
        const x = (expert + 0.5) * grid.cellWidth;
        const found = cellAt(grid, all, x, topOf(grid, mixture) + grid.cellHeight / 2);
        const within = leftOf(grid, expert) <= x + 0.5 && x <= leftOf(grid, expert + 1) + 0.5;
        if (!within || found?.mixture !== mixture || found.expert !== expert) missed.push(`${mixture} ${expert}`);
      }
    }
    expect(missed).toEqual([]);
    expect(leftOf(grid, experts)).toBe(grid.width);
    expect(cellAt(grid, all, -1, 1)).toBeNull();
    expect(cellAt(grid, all, 1, grid.height + 1)).toBeNull();
  });
});

it('has the top of the model at the top', () => {
  const grid = rasterGrid(of(5, 8), 400, 1);
  expect(topOf(grid, 4)).toBe(0);
  expect(topOf(grid, 0)).toBe(grid.height - grid.cellHeight);
});

it('has no cell where a layer has fewer experts', () => {
  const all = mixtures(8, 4);
  const grid = rasterGrid(all, 400, 1);
  expect(cellAt(grid, all, leftOf(grid, 6) + 1, 1)).toBeNull();
  expect(cellAt(grid, all, leftOf(grid, 6) + 1, grid.height - 1)).toEqual({ mixture: 0, expert: 6 });
});

describe('the neighbourhood', () => {
  it.each([
    [10, 64, [8, 9, 10, 11, 12]],
    [0, 64, [0, 1, 2, 3, 4]],
    [63, 64, [59, 60, 61, 62, 63]],
    [1, 3, [0, 1, 2]],
  ])('of %i of %i is %j', (at, count, expected) => {
    expect(windowOf(at, count)).toEqual(expected);
  });
});

describe('a key', () => {
  const all = mixtures(8, 4);

  it.each([
    ['ArrowUp', { mixture: 0, expert: 6 }, { mixture: 1, expert: 3 }],
    ['ArrowDown', { mixture: 0, expert: 6 }, { mixture: 0, expert: 6 }],
    ['ArrowRight', { mixture: 1, expert: 3 }, { mixture: 1, expert: 3 }],
    ['ArrowLeft', { mixture: 1, expert: 3 }, { mixture: 1, expert: 2 }],
    ['Home', { mixture: 0, expert: 6 }, { mixture: 0, expert: 0 }],
    ['End', { mixture: 1, expert: 0 }, { mixture: 1, expert: 3 }],
  ])('%s goes from %j to %j', (key, from, to) => {
    expect(stepped(all, from, key)).toEqual(to);
  });

  it('that is none of its own goes nowhere', () => {
    expect(stepped(all, { mixture: 0, expert: 0 }, 'a')).toBeNull();
  });
});

it('writes the number of every so many columns that they do not touch', () => {
  expect(every(64, 9, 26)).toBe(4);
  expect(every(256, 2.2, 26)).toBe(16);
  expect(every(4, 112, 26)).toBe(1);
});
