import { describe, expect, it } from 'vitest';
import { architecture, NAMES } from '../../fixtures';
import { INSIDES } from '../../fixtures/insides';
import type { Rect } from '../scene';
import { type Inside, type InsideScene, layoutInside } from './index';

const measure = (text: string, px: number) => text.length * px * 0.58;
const WIDTHS = [300, 440, 640];

/** Those made by hand, and all that the reader finds in the architectures of the tests, each once. */
function insides(): [string, Inside][] {
  const read = NAMES.flatMap((name) =>
    architecture(name).stacks.flatMap(({ groups }) =>
      groups.flatMap(({ template }) =>
        template.blocks.flatMap(({ address, inside }): [string, Inside][] =>
          inside ? [[`${name} ${address}`, inside]] : [],
        ),
      ),
    ),
  );
  const known = new Map<string, [string, Inside]>();
  for (const one of [...Object.entries(INSIDES), ...read]) {
    const key = JSON.stringify([one[1].wires, one[1].steps.map((step) => ({ ...step, path: '' }))]);
    if (!known.has(key)) known.set(key, one);
  }
  return [...known.values()];
}

const cases = insides().flatMap(([name, inside]) => WIDTHS.map((width) => ({ name, inside, width })));

const overlap = (a: Rect, b: Rect, by = 0.5) =>
  Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x) > by && Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y) > by;

const within = (a: Rect, b: Rect) =>
  a.x >= b.x - 0.5 && a.y >= b.y - 0.5 && a.x + a.w <= b.x + b.w + 0.5 && a.y + a.h <= b.y + b.h + 0.5;

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]));
}

const textOf = ({ x, y, w, anchor }: InsideScene['boxes'][number]['words'][number]): Rect => ({
  x: anchor === 'middle' ? x - w / 2 : x,
  y: y - 9,
  w,
  h: 11,
});

/** The straight pieces of a wire as thin rectangles. */
function pieces({ points }: InsideScene['wires'][number]): Rect[] {
  return points.slice(1).map((to, i) => {
    const from = points[i] ?? to;
    const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)];
    return { x: x - 0.8, y: y - 0.8, w: Math.abs(from.x - to.x) + 1.6, h: Math.abs(from.y - to.y) + 1.6 };
  });
}

describe.each(cases)('$name at $width px', ({ inside, width }) => {
  const scene = layoutInside(inside, { width, measure });
  const { boxes, wires } = scene;
  const named = (index: number) => `${index} ${boxes[index]?.step.name}`;

  it('has every step and every wire', () => {
    expect(boxes.map(({ index }) => index)).toEqual(inside.steps.map((_, i) => i));
    expect(new Set(wires.map(({ key }) => key)).size).toBe(inside.wires.length);
  });

  it('lets nothing overlap, and keeps all within the width', () => {
    expect(scene.width).toBe(width);
    const frame = { x: 0, y: 0, w: width, h: scene.height };
    for (const box of boxes) {
      expect(within(box, frame), named(box.index)).toBe(true);
      for (const words of box.words)
        expect(within(textOf(words), box), `${words.text} in ${named(box.index)}`).toBe(true);
    }
    const hits = pairs(boxes).filter(([a, b]) => overlap(a, b));
    expect(hits.map(([a, b]) => `${named(a.index)} on ${named(b.index)}`)).toEqual([]);
    const texts = boxes.flatMap((box) => box.words);
    const covered = pairs(texts).filter(([a, b]) => overlap(textOf(a), textOf(b)));
    expect(covered.map(([a, b]) => `${a.text} on ${b.text}`)).toEqual([]);
  });

  it('leads no wire through a step that it does not belong to, and none through words', () => {
    for (const wire of wires) {
      for (const box of boxes) {
        const own = box.index === wire.source || box.index === wire.target;
        const places = own ? box.words.filter(({ look }) => look !== 'on').map(textOf) : [box];
        const crossed = pieces(wire).some((piece) => places.some((place) => overlap(piece, place)));
        expect(crossed, `${wire.key} through ${named(box.index)}`).toBe(false);
      }
    }
  });

  it('leads upwards from what is read to what reads it, in level and upright pieces', () => {
    for (const { points, source, target } of wires) {
      const [from, to] = [boxes[source], boxes[target]];
      expect(points[0]?.y).toBe(from?.y);
      expect(to && points.at(-1)).toSatisfy(
        (end: { x: number; y: number }) => to !== undefined && end.y <= to.y + to.h && end.y > to.y,
      );
      points.slice(1).forEach((point, i) => {
        const before = points[i] ?? point;
        expect(point.x === before.x || point.y === before.y).toBe(true);
        expect(point.y).toBeLessThanOrEqual(before.y);
      });
    }
  });

  it('never lays two tensors on each other', () => {
    const upright = wires.flatMap((wire) =>
      wire.points.slice(1).flatMap((to, i) => {
        const from = wire.points[i] ?? to;
        return { net: `${wire.source}${wire.key.split('>')[2]}`, key: wire.key, level: from.y === to.y, from, to };
      }),
    );
    const clash = pairs(upright).filter(([a, b]) => {
      if (a.net === b.net || a.level !== b.level) return false;
      const [across, along] = a.level ? (['y', 'x'] as const) : (['x', 'y'] as const);
      if (Math.abs(a.from[across] - b.from[across]) > 1) return false;
      const [low, high] = [
        Math.max(Math.min(a.from[along], a.to[along]), Math.min(b.from[along], b.to[along])),
        Math.min(Math.max(a.from[along], a.to[along]), Math.max(b.from[along], b.to[along])),
      ];
      return high - low > 1;
    });
    expect(clash.map(([a, b]) => `${a.key} on ${b.key}`)).toEqual([]);
  });

  it('is the same each time', () => {
    expect(layoutInside(inside, { width, measure })).toEqual(scene);
  });
});
