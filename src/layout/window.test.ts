import { describe, expect, it } from 'vitest';
import { detailAt, first, moved, revealing, roomFor, whole, zoomed } from './window';

const TALL = { w: 800, h: 5000 };
const SMALL = { w: 800, h: 600 };

describe('the room for a scene', () => {
  it('is its own size where that is there, and less where it is not', () => {
    expect(roomFor(SMALL, 1000)).toEqual(SMALL);
    expect(roomFor(SMALL, 400)).toEqual({ w: 400, h: 300 });
    expect(roomFor(TALL, 1000).h).toBeLessThan(TALL.h);
  });

  it('is too narrow for all of it where it would be too small to be read', () => {
    const room = roomFor(SMALL, 400, 0.9);
    expect(room).toEqual({ w: 400, h: 540 });
    expect(first(SMALL, room, 0.9)).toEqual({ k: 0.9, x: 0, y: 0 });
  });
});

describe('what is seen', () => {
  const room = { w: 800, h: 1000 };

  it('is at first the upper part, as large as it is', () => {
    expect(first(TALL, room)).toEqual({ k: 1, x: 0, y: 0 });
  });

  it('is all of it, in the middle, where it fits in', () => {
    const { k, x, y } = whole(TALL, room);
    expect([k, y]).toEqual([0.2, 0]);
    // 800 px at a fifth are 160 of 800: 320 on either side, which are 1,600 of the scene's.
    expect(x).toBeCloseTo(-1600);
  });

  it('keeps its place under the pointer while it grows', () => {
    const before = { k: 1, x: 0, y: 2000 };
    const at = { x: 300, y: 400 };
    const after = zoomed(before, 2, at, TALL, room);
    expect(after.x + at.x / after.k).toBeCloseTo(before.x + at.x / before.k);
    expect(after.y + at.y / after.k).toBeCloseTo(before.y + at.y / before.k);
  });

  it('never leaves the scene, and never gets smaller than the whole of it', () => {
    expect(moved({ k: 1, x: 0, y: 0 }, { x: 500, y: 500 }, TALL, room)).toEqual({ k: 1, x: 0, y: 0 });
    expect(moved({ k: 1, x: 0, y: 0 }, { x: 0, y: -9000 }, TALL, room).y).toBe(4000);
    expect(zoomed({ k: 1, x: 0, y: 0 }, 0.001, { x: 0, y: 0 }, TALL, room)).toEqual(whole(TALL, room));
  });

  it('moves as little as it must to show something', () => {
    const seen = { k: 1, x: 0, y: 1000 };
    const at = (y: number) => revealing(seen, { x: 10, y, w: 100, h: 50 }, TALL, room).y;
    expect(at(1500)).toBe(1000);
    expect(at(3000)).toBe(3000 + 50 + 24 - 1000);
    expect(at(200)).toBe(200 - 24);
  });

  it('has fewer words the smaller it is', () => {
    expect([1, 0.5, 0.2].map(detailAt)).toEqual(['block', 'layer', 'model']);
  });
});
