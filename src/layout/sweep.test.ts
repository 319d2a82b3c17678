import { expect, describe as group, it } from 'vitest';
import { architecture, frameLayout, NAMES } from '../fixtures';
import { describe } from './kinds';
import { locate } from './model';
import { cellAt, layoutSweep, type SweepCell } from './sweep';

const placed = (name: (typeof NAMES)[number], width: number) => {
  const of = architecture(name);
  const { sites } = frameLayout(of);
  const sideOf = (address: string) => {
    const block = locate(of, address)?.block;
    return block ? describe(block).side : 1;
  };
  return { sites, map: layoutSweep(sites, sideOf, width) };
};

const overlap = (a: SweepCell, b: SweepCell) =>
  a.x < b.x + b.w - 0.01 && b.x < a.x + a.w - 0.01 && a.y < b.y + b.h - 0.01 && b.y < a.y + a.h - 0.01;

group.each(NAMES)('the map of a sweep over %s', (name) => {
  it.each([440, 640, 1000])('has everything that can be swept once, and nothing over another, at %d px', (width) => {
    const { sites, map } = placed(name, width);
    const cells = map.rows.flatMap((row) => row.cells);
    const wanted = sites.filter(({ address, kind }) => kind !== 'embed' && kind !== 'layer' && /L\d+\./.test(address));
    expect(cells.map(({ address }) => address).sort()).toEqual(wanted.map(({ address }) => address).sort());
    for (const { cells: inRow, y, h } of map.rows) {
      inRow.forEach((a, i) => {
        expect(
          inRow
            .slice(i + 1)
            .filter((b) => overlap(a, b))
            .map((b) => [a.address, b.address]),
        ).toEqual([]);
        expect(a.y >= y - 0.01 && a.y + a.h <= y + h + 0.01, a.address).toBe(true);
        expect(a.x >= 0 && a.x + a.w <= map.width, a.address).toBe(true);
        expect(a.x > map.spine || a.x + a.w < map.spine, a.address).toBe(true);
        expect(cellAt(map, a.x + a.w / 2, a.y + a.h / 2)).toBe(a);
      });
    }
    map.rows.slice(1).forEach((row, i) => {
      expect(row.y).toBeGreaterThanOrEqual((map.rows[i]?.y ?? 0) + (map.rows[i]?.h ?? 0) - 0.01);
    });
  });
});
