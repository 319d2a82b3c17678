import { describe, expect, it } from 'vitest';
import { architecture } from '../fixtures';
import type { Architecture } from '../wire/types.generated';
import { between } from './between';
import { type BlockBox, layoutScene, type Rect, type Scene } from './index';

const measure = (text: string, px: number) => text.length * px * 0.58;

const lay = (of: Architecture, opened: string | null, width = 676, live = false) =>
  layoutScene(of, { width, live, bound: {}, measure, opened });

const boxesOf = (scene: Scene): BlockBox[] => scene.cards.flatMap(({ blocks }) => blocks);
const boxOf = (scene: Scene, address: string) => boxesOf(scene).find((box) => box.address === address) as BlockBox;

const overlap = (a: Rect, b: Rect) =>
  Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x) > 0.5 &&
  Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y) > 0.5;

const cases = (['llama', 'deepseek_v3', 'qwen3_next', 'cohere', 'whisper', 'gpt'] as const).flatMap((name) =>
  [436, 676, 820].flatMap((width) => [true, false].map((live) => ({ name, width, live }))),
);

describe.each(cases)('a block of $name opened at $width px, live: $live', ({ name, width, live }) => {
  const of = architecture(name);
  const closed = lay(of, null, width, live);
  const addresses = boxesOf(closed).flatMap(({ address, opener }) => (opener ? [address] : []));

  it.each(addresses)('%s: has its whole inside in its box, and pushes nothing into anything', (address) => {
    const scene = lay(of, address, width, live);
    const box = boxOf(scene, address);
    const { inside } = box;
    expect(inside).not.toBeNull();
    if (!inside) return;
    const room: Rect = { x: inside.x, y: inside.y, w: inside.scene.width, h: inside.scene.height };
    expect(room.x).toBeGreaterThanOrEqual(box.x);
    expect(room.x + room.w).toBeLessThanOrEqual(box.x + box.w);
    expect(room.y + room.h).toBeLessThanOrEqual(box.y + box.h);
    expect(box.cells.filter((cell) => overlap(cell, room))).toEqual([]);
    if (box.share) expect(box.share.y + 20).toBeLessThanOrEqual(room.y);
    const boxes = boxesOf(scene);
    expect(boxes.filter((one, i) => boxes.slice(i + 1).some((other) => overlap(one, other)))).toEqual([]);
    expect(boxes.filter((one) => one.inside).map((one) => one.address)).toEqual([address]);
    for (const card of scene.cards) expect(card.x + card.w).toBeLessThanOrEqual(scene.width);
  });
});

describe('an opened block', () => {
  const of = architecture('llama');

  it('is read and writes at the height of what comes in and what goes out', () => {
    const scene = lay(of, 'L0.attn');
    const box = boxOf(scene, 'L0.attn');
    const line = scene.cards.flatMap(({ lines }) => lines).find(({ address }) => address === 'L0.attn');
    const middle = (op: string) => {
      const step = box.inside?.scene.boxes.find((one) => one.step.op === op);
      return (box.inside?.y ?? 0) + (step ? step.body.y + step.body.h / 2 : 0);
    };
    expect(line?.readY).toBeCloseTo(middle('input'), -0.3);
    expect(line?.plus?.y).toBeCloseTo(middle('output'), -0.3);
  });

  it('has its sides kept where there is room, and else stands in one column with all others, as wide as before', () => {
    const sides = (width: number, opened: string | null) =>
      new Set(boxesOf(lay(of, opened, width)).map((box) => box.side));
    expect(sides(436, null)).toEqual(new Set([-1, 1]));
    expect(sides(820, 'L0.attn')).toEqual(new Set([-1, 1]));
    expect(sides(436, 'L0.attn')).toEqual(new Set([1]));
    expect(lay(of, 'L0.attn', 436).width).toBe(436);
  });

  it('stays open when its card is bound to another layer', () => {
    const key = lay(of, null).cards[0]?.group ?? '';
    const scene = layoutScene(of, { width: 676, live: false, bound: { [key]: 7 }, measure, opened: 'L0.attn' });
    expect(boxOf(scene, 'L7.attn').inside).not.toBeNull();
  });

  it('of which nothing is known, or which is not there, opens nothing', () => {
    expect(lay(of, 'L0.norm1')).toEqual(lay(of, null));
    expect(lay(of, 'elsewhere.L0.attn')).toEqual(lay(of, null));
    const unknown = architecture('llama');
    for (const block of unknown.stacks.flatMap(({ groups }) => groups.flatMap(({ template }) => template.blocks))) {
      block.inside = null;
    }
    expect(boxesOf(lay(unknown, 'L0.attn')).every(({ inside, opener }) => inside === null && opener === null)).toBe(
      true,
    );
  });
});

describe('a scene between two others', () => {
  const of = architecture('llama');
  const [closed, opened] = [lay(of, null), lay(of, 'L0.attn')];

  it('begins with the one and ends with the other', () => {
    expect(between(closed, opened, 1)).toEqual(opened);
    expect(between(closed, opened, 0).height).toBe(closed.height);
    expect(between(closed, opened, 0).cards.map(({ y, h }) => [y, h])).toEqual(closed.cards.map(({ y, h }) => [y, h]));
  });

  it('goes half of the way half-way', () => {
    expect(between(closed, opened, 0.5).height).toBeCloseTo((closed.height + opened.height) / 2);
  });

  it('has what is new where it will be', () => {
    expect(
      between(
        [{ key: 'a', x: 0 }],
        [
          { key: 'b', x: 8 },
          { key: 'a', x: 4 },
        ],
        0.5,
      ),
    ).toEqual([
      { key: 'b', x: 8 },
      { key: 'a', x: 2 },
    ]);
  });
});
