import { describe, expect, it } from 'vitest';
import { leftOf, rasterGrid, topOf } from '../../layout/experts';
import type { Mixture } from '../../state/routing';
import { CELL, CellPixels, COLOURS, type Inks } from './pixels';

const INKS: Inks = {
  scale: Uint32Array.from({ length: COLOURS }, (_, i) => 1000 + i),
  paper: 1,
  outline: 2,
  cut: 3,
  cross: 4,
};
const MIXTURES: Mixture[] = [0, 1].map((index) => ({
  address: `L${index}`,
  index,
  experts: 3,
  row: 0,
  offset: 3 * index,
}));

function drawn() {
  const grid = rasterGrid(MIXTURES, 60, 1);
  const pixels = new CellPixels(grid, new ArrayBuffer(grid.width * grid.height * 4));
  const cells = new Uint16Array(6);
  /** How many pixels of a cell have an ink. */
  const count = (mixture: number, expert: number, ink: number) => {
    let found = 0;
    for (let y = topOf(grid, mixture); y < topOf(grid, mixture) + grid.cellHeight; y++) {
      for (let x = leftOf(grid, expert); x < leftOf(grid, expert + 1); x++) {
        if (pixels.pixels[y * grid.width + x] === ink) found += 1;
      }
    }
    return found;
  };
  const area = (grid.cellWidth - grid.gap) * (grid.cellHeight - grid.gap);
  return { pixels, cells, count, area };
}

describe('a cell', () => {
  it('is filled by its colour', () => {
    const { pixels, cells, count, area } = drawn();
    cells[4] = CELL.colour + 200;
    pixels.write(cells, INKS);
    expect(count(1, 1, 1200)).toBe(area);
    expect(count(1, 0, 1200)).toBe(0);
  });

  it('that no token came to is a cross on the lowest colour', () => {
    const { pixels, cells, count, area } = drawn();
    cells[0] = CELL.noToken;
    pixels.write(cells, INKS);
    expect(count(0, 0, 4)).toBeGreaterThan(4);
    expect(count(0, 0, 4) + count(0, 0, 1000)).toBe(area);
  });

  it('that was not measured is an outline, and one that is ablated hatched', () => {
    const { pixels, cells, count, area } = drawn();
    cells.set([CELL.unmeasured, CELL.ablated]);
    pixels.write(cells, INKS);
    const { cellWidth: w, cellHeight: h, gap } = pixels.grid;
    expect(count(0, 0, 2)).toBe(2 * (w - gap) + 2 * (h - gap) - 4);
    const hatch = count(0, 1, 3);
    expect(hatch).toBeGreaterThan(2 * (w - gap) + 2 * (h - gap) - 4);
    expect(hatch).toBeLessThan(area);
  });
});

describe('writing', () => {
  it('says which rows changed, and writes nothing else', () => {
    const { pixels, cells } = drawn();
    cells.fill(CELL.colour);
    expect(pixels.write(cells, INKS)).toEqual({ from: 0, to: 1 });
    expect(pixels.write(cells, INKS)).toBeNull();
    cells[5] = CELL.colour + 1;
    expect(pixels.write(cells, INKS)).toEqual({ from: 1, to: 1 });
  });

  it('writes all again in other colours', () => {
    const { pixels, cells, count, area } = drawn();
    cells.fill(CELL.colour);
    pixels.write(cells, INKS);
    pixels.forget();
    expect(pixels.write(cells, { ...INKS, scale: INKS.scale.map((one) => one + 500) })).toEqual({ from: 0, to: 1 });
    expect(count(0, 0, 1500)).toBe(area);
  });
});
