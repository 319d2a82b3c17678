import { describe, expect, it } from 'vitest';
import { architecture, NAMES } from '../fixtures';
import type { Architecture, Branch } from '../wire/types.generated';
import { type BlockBox, type Card, layoutScene, type Rect, type Scene } from './index';
import { layerCount, layersInWords, locate } from './model';
import { sharesOf } from './shares';

const measure = (text: string, px: number) => text.length * px * 0.6;
const scene = (of: Architecture, width: number, live: boolean): Scene =>
  layoutScene(of, { width, live, bound: {}, measure });

const WIDTHS = [360, 592, 1400];
const cases = NAMES.flatMap((name) =>
  WIDTHS.flatMap((width) => [true, false].map((live) => ({ name, width, live, what: live ? 'live' : 'static' }))),
);

const overlap = (a: Rect, b: Rect) =>
  Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x) > 0.5 &&
  Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y) > 0.5;

const inside = (inner: Rect, outer: Rect) =>
  inner.x >= outer.x - 0.5 &&
  inner.y >= outer.y - 0.5 &&
  inner.x + inner.w <= outer.x + outer.w + 0.5 &&
  inner.y + inner.h <= outer.y + outer.h + 0.5;

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((a, i) => items.slice(i + 1).map((b): [T, T] => [a, b]));
}

/** Level pieces of a card's wires, with the block they belong to. */
function wires(card: Card): { address: string; rect: Rect }[] {
  return card.lines.flatMap(({ address, spine, reads, readY, readX, writeX, plus }) =>
    [...(reads ? [{ to: readX, y: readY }] : []), ...(plus ? [{ to: writeX, y: plus.y }] : [])].map(({ to, y }) => ({
      address,
      rect: { x: Math.min(to, spine), y: y - 0.5, w: Math.abs(to - spine), h: 1 },
    })),
  );
}

describe.each(NAMES)('%s', (name) => {
  const words = ({ ends, cards }: Scene) => [
    ...ends.flatMap(({ type, params }) => [type, params]),
    ...cards.flatMap(({ title, subtitle }) => [title, subtitle]),
    ...cards.flatMap(({ blocks }) =>
      blocks.flatMap(({ type, line, rows }) => [type, line, ...rows.flatMap((row) => [row.label, row.value])]),
    ),
  ];

  it.each([592, 820])('breaks off no words at %i px', (width) => {
    expect(words(scene(architecture(name), width, false)).filter((text) => text.includes('…'))).toEqual([]);
  });

  it('says of every block at the ends what it is', () => {
    for (const { kind, type } of scene(architecture(name), 592, false).ends) expect(type === '').toBe(kind === '');
  });
});

describe.each(cases)('$name, $what, $width px', ({ name, width, live }) => {
  const of = architecture(name);
  const placed = scene(of, width, live);
  const blocks: BlockBox[] = placed.cards.flatMap((card) => card.blocks);

  it('has a place for every block on a branch and for every layer', () => {
    const wanted = of.stacks.flatMap((stack) => stack.groups.flatMap((group) => group.template.branches));
    const perCard =
      placed.strips.length > 0
        ? wanted.length
        : placed.cards.length * (wanted.length / of.stacks.flatMap((s) => s.groups).length);
    expect(blocks.length).toBe(perCard);
    const layers = placed.cards.flatMap((card) => (card.folded ? card.layers : [card.index]));
    expect(layers.length).toBe(layerCount(of));
  });

  it('lets nothing overlap', () => {
    const rects = [...placed.ends, ...blocks];
    expect(
      pairs(rects)
        .filter(([a, b]) => overlap(a, b))
        .map(([a, b]) => `${a.key} ${b.key}`),
    ).toEqual([]);
    expect(pairs(placed.cards).filter(([a, b]) => overlap(a, b))).toEqual([]);
    for (const block of blocks) expect(pairs(block.cells).find(([a, b]) => overlap(a, b))).toBeUndefined();
  });

  it('keeps blocks within their cards and cells within their blocks', () => {
    for (const card of placed.cards) {
      expect(card.x + card.w).toBeLessThanOrEqual(placed.width);
      for (const block of card.blocks) {
        expect(inside(block, card), `${block.key} in ${card.key}`).toBe(true);
        for (const cell of block.cells) expect(inside(cell, block), `${cell.key} in ${block.key}`).toBe(true);
      }
    }
  });

  it('leads no wire across another block', () => {
    for (const card of placed.cards) {
      for (const wire of wires(card)) {
        const crossed = card.blocks.filter((block) => block.address !== wire.address && overlap(wire.rect, block));
        expect(crossed.map((block) => `${wire.address} crosses ${block.address}`)).toEqual([]);
      }
    }
  });

  it('adds every branch above where it reads, and the later addition above the earlier', () => {
    for (const card of placed.cards) {
      const added = card.lines.flatMap(({ plus, readY }) => (plus ? [{ plus, readY }] : []));
      for (const { plus, readY } of added) expect(plus.y).toBeLessThan(readY);
      const heights = added.map(({ plus }) => plus.y);
      expect(heights).toEqual([...heights].sort((a, b) => b - a));
    }
  });

  it('is the same each time', () => {
    expect(scene(architecture(name), width, live)).toEqual(placed);
  });
});

describe('a layer', () => {
  const cardOf = (name: Parameters<typeof architecture>[0]) => scene(architecture(name), 592, true).cards[0] as Card;

  it('with parallel branches reads at one point', () => {
    const [a, b] = cardOf('cohere').lines;
    expect(a?.readY).toBe(b?.readY);
    expect(a?.plus?.y).not.toBe(b?.plus?.y);
  });

  it('whose branches are one addition meets at one plus', () => {
    const [a, b] = cardOf('falcon').lines;
    expect(a?.plus).toEqual(b?.plus);
  });

  it('with norms before and after its blocks has them on the wires', () => {
    const ticks = cardOf('gemma2').ticks;
    expect(ticks.filter((tick) => tick.across === 'wire')).toHaveLength(4);
  });

  it('that normalises its stream has the norms on it, each above its plus', () => {
    const of = architecture('gpt');
    for (const group of of.stacks.flatMap((stack) => stack.groups)) {
      group.template.branches = group.template.branches.map(
        (branch): Branch => ({ ...branch, pre_norm: null, stream_norm: branch.pre_norm }),
      );
    }
    const card = scene(of, 592, true).cards[0] as Card;
    expect(card.ticks.map((tick) => tick.across)).toEqual(['stream', 'stream']);
    card.lines.forEach((line, i) => {
      expect(card.ticks[i]?.y).toBeLessThan(line.plus?.y ?? 0);
    });
  });

  it('in which blocks feed each other has one plus, and an arrow from each block to the next', () => {
    const card = scene(architecture('zamba2'), 592, false).cards.find(({ blocks }) => blocks.length === 3) as Card;
    const box = (name: string) => card.blocks.find((block) => block.name === name) as BlockBox;
    const [attn, mlp, mixer] = card.lines;
    expect([attn?.plus, mlp?.plus]).toEqual([null, null]);
    expect(mixer?.plus).not.toBeNull();
    expect([attn?.reads, mlp?.reads, mixer?.reads]).toEqual([true, false, true]);
    expect([attn?.up?.from, attn?.up?.to]).toEqual([box('attn').y, box('mlp').y + box('mlp').h]);
    expect([mlp?.up?.from, mlp?.up?.to]).toEqual([box('mlp').y, box('mixer').y + box('mixer').h]);
  });

  it('whose sum of two branches is normed has that norm on the wires of both, under one name', () => {
    const card = scene(architecture('gemma4_moe'), 592, false).cards[0] as Card;
    const joint = card.ticks.filter((tick) => tick.address.endsWith('.norm7'));
    expect(joint.map((tick) => tick.y)).toEqual([card.lines[1]?.plus?.y, card.lines[2]?.plus?.y]);
  });

  it('whose stream is normed before any branch has that norm below all that reads', () => {
    const card = scene(architecture('minimax'), 592, false).cards.at(-1) as Card;
    const entry = card.ticks.find((tick) => tick.address.endsWith('.norm1'));
    expect(entry?.across).toBe('stream');
    for (const line of card.lines) expect(entry?.y).toBeGreaterThan(line.readY);
  });

  it('of an unknown kind is a plain box with its name', () => {
    const of = architecture('gpt');
    for (const block of of.stacks[0]?.groups[0]?.template.blocks ?? []) {
      if (block.address === 'L0.mlp') Object.assign(block, { role: 'other', spec: null, cls: 'Mystery' });
    }
    const block = scene(of, 592, false)
      .cards.at(-1)
      ?.blocks.find((one) => one.address === 'L0.mlp');
    expect(block).toMatchObject({ name: 'mlp', hue: 'other', type: 'Mystery' });
  });

  it('that names a block which is nowhere is still drawn', () => {
    const of = architecture('gpt');
    const branches = of.stacks[0]?.groups[0]?.template.branches ?? [];
    for (const branch of branches) branch.block = 'L0.lost';
    expect(scene(of, 592, true).cards[0]?.blocks[0]?.name).toBe('lost');
  });
});

describe('a folded model', () => {
  it('has one cell for each layer and keeps every place when a card is bound to another', () => {
    const of = architecture('deepseek_v3');
    const first = layoutScene(of, { width: 752, live: true, bound: {}, measure });
    const other = layoutScene(of, { width: 752, live: true, bound: { '#3': 17 }, measure });
    expect(first.strips[0]?.cells).toHaveLength(61);
    const places = (one: Scene) =>
      one.cards.flatMap((card) => card.blocks.map(({ key, x, y, w, h }) => ({ key, x, y, w, h })));
    expect(places(other)).toEqual(places(first));
    expect(other.cards.find((card) => card.group === '#3')?.address).toBe('L17');
    expect(other.cards[0]?.blocks.map((block) => block.address)).toEqual(['L17.attn', 'L17.moe']);
  });
});

describe('a tower whose last layer reaches nothing', () => {
  const of = architecture('llava');

  it('is said to leave after the layer before, and marks the last one', () => {
    const placed = layoutScene(of, { width: 752, live: false, folded: false, bound: {}, measure });
    expect(placed.edges.map(({ label, title }) => [label, title])).toEqual([
      ['vision after L22 joins the tokens of text', 'What the model returns is not made of vision.L23.'],
    ]);
    expect(placed.cards.filter((card) => card.unused).map((card) => card.address)).toEqual(['vision.L23']);
  });

  it('says so of each part of that layer', () => {
    expect(locate(of, 'vision.L23.attn.H3')?.unused).toBe(true);
    expect(locate(of, 'vision.L22.attn')?.unused).toBe(false);
    expect(locate(of, 'text.L31.attn')?.unused).toBe(false);
  });

  it('knows how wide the stream is that a block is on', () => {
    expect(locate(of, 'vision.L3.mlp')?.width).toBe(1024);
    expect(locate(of, 'text.L3')?.width).toBe(4096);
  });
});

describe('an edge between stacks', () => {
  it('arrives at the block that looks, over the stream, between its wires', () => {
    const { cards, edges } = scene(architecture('whisper'), 820, false);
    const [card] = cards.filter(({ stack }) => stack === 'dec');
    const cross = card?.blocks.find(({ name }) => name === 'cross');
    const line = card?.lines.find(({ address }) => address === cross?.address);
    const [end] = edges[0]?.ends ?? [];
    expect(end?.to.x).toBe((cross?.x ?? 0) + (cross?.w ?? 0));
    expect(end?.over).toBe(line?.spine);
    expect(end?.to.y).toBeGreaterThan(line?.plus?.y ?? Number.NaN);
    expect(end?.to.y).toBeLessThan(line?.readY ?? Number.NaN);
  });

  it('goes straight up where it becomes the stream of the next stack, and takes no room aside', () => {
    const of = architecture('llava');
    for (const edge of of.edges) edge.kind = 'stream';
    of.inputs = [];
    const { edges, spines, width } = scene(of, 820, false);
    expect(edges[0]?.ends).toEqual([]);
    expect(new Set(edges[0]?.trunk.map(({ x }) => x))).toEqual(new Set([spines[0]?.x]));
    expect(width).toBe(820);
  });
});

describe.each([360, 480, 592])('names of norms across the stream at %i px', (width) => {
  it('end before the blocks beside it', () => {
    const { cards } = scene(architecture('minimax'), width, false);
    const ticks = cards.flatMap((card) =>
      card.ticks.filter(({ labelAt }) => labelAt === 'right').map((tick) => ({ tick, card })),
    );
    expect(ticks.length).toBeGreaterThan(0);
    for (const { tick, card } of ticks) {
      const name = { x: tick.x + 20, y: tick.y - 6, w: measure(tick.label, 11), h: 12 };
      expect(card.blocks.filter((box) => overlap(name, box)).map(({ address }) => address)).toEqual([]);
    }
  });
});

describe('a strip', () => {
  it('has a field for each kind of block of a layer, what mixes tokens first', () => {
    const [first] = scene(architecture('gemma4_moe'), 820, false).strips[0]?.cells ?? [];
    expect(first?.fields.map(({ hue, address }) => [hue, address])).toEqual([
      ['attn', 'L0.attn'],
      ['mlp', 'L0.mlp'],
      ['moe', 'L0.moe'],
    ]);
  });
});

describe('a strip of layers of which some see a window', () => {
  it('has their field narrow, and says what they are', () => {
    const [strip] = scene(architecture('gemma2'), 820, false).strips;
    const cells = strip?.cells ?? [];
    const narrow = (index: number) => cells.find((cell) => cell.index === index)?.fields.map((field) => field.narrow);
    expect(cells.find(({ index }) => index === 0)?.title).toBe('Sliding-window layer');
    expect(narrow(0)).toEqual([true, false]);
    expect(cells.find(({ index }) => index === 1)?.title).toBe('Full-attention layer');
    expect(narrow(1)).toEqual([false, false]);
  });
});

describe('a block of blocks', () => {
  const of = architecture('gpt2');
  const [group] = of.stacks[0]?.groups ?? [];
  const blocks = group?.template.blocks ?? [];
  const mlp = blocks.find(({ role }) => role === 'mlp');
  const before = sharesOf(of);
  if (mlp) {
    const part = { ...mlp, address: `${mlp.address}.mlp` };
    Object.assign(mlp, { role: 'other', spec: null, cls: 'Bottleneck', parts: [part] });
  }

  it('says what it is made of', () => {
    const box = scene(of, 820, false).cards[0]?.blocks.find(({ address }) => address === mlp?.address);
    expect(box?.rows.map(({ label, value }) => [label, value])).toEqual([['mlp', 'gelu tanh, 4.72 M']]);
  });

  it('is counted as that', () => {
    expect(sharesOf(of)).toEqual(before);
  });
});

describe('what early layers of a tower saw, added to a stream between its layers', () => {
  // Qwen3VLConfig: deepstack_visual_indexes [8, 16, 24], added after the first three layers of the text
  const placed = layoutScene(architecture('qwen3_vl'), { width: 1400, live: false, folded: false, bound: {}, measure });

  it('is said to enter where it does, through a merger of its own', () => {
    expect(placed.edges.map(({ label }) => label)).toEqual([
      'vision joins the tokens of text',
      'vision after L8 joins the stream of text before L1',
      'vision after L16 joins the stream of text before L2',
      'vision after L24 joins the stream of text before L3',
    ]);
    expect(new Set(placed.edges.map(({ key }) => key)).size).toBe(4);
  });

  it('still says where where there is little room', () => {
    const { edges } = scene(architecture('qwen3_vl'), 440, false);
    expect(edges.map(({ label }) => label).slice(1)).toEqual(['L1', 'L2', 'L3'].map((to) => `joins text before ${to}`));
  });

  it('ends at the layers that read it', () => {
    const at = placed.edges.slice(1).map(({ ends }) => ends.map(({ to }) => to.y));
    const middle = (address: string) =>
      placed.cards.filter((card) => card.address === address).map((card) => card.y + card.h / 2);
    expect(at).toEqual([middle('text.L1'), middle('text.L2'), middle('text.L3')]);
  });
});

describe('a hundred thousand layers', () => {
  const of = architecture('llama');
  const [group] = of.stacks[0]?.groups ?? [];
  const many = 100_000;
  if (group) {
    group.layers = Array.from({ length: many }, (_, index) => index);
    group.paths = group.layers.map((index) => `model.layers.${index}`);
  }

  it('share a few hundred cells that together stand for each of them once', () => {
    const [strip] = scene(of, 1400, false).strips;
    const cells = strip?.cells ?? [];
    expect(cells.length).toBeLessThanOrEqual(400);
    expect(cells[0]?.index).toBe(0);
    expect(cells.at(-1)?.last).toBe(many - 1);
    expect(cells.slice(1).every((cell, i) => cell.index === (cells[i]?.last ?? 0) + 1)).toBe(true);
  });

  it('are one card, which any of them can be shown on', () => {
    const { cards } = layoutScene(of, { width: 1400, live: false, bound: { '#0': 77_777 }, measure });
    expect(cards.map((card) => card.address)).toEqual(['L77777']);
  });
});

describe('layers in words', () => {
  it('counts those of each stack, the main one first', () => {
    expect(layersInWords(architecture('llava'))).toBe('32 text + 24 vision layers');
    expect(layersInWords(architecture('gpt2'))).toBe('12 layers');
  });
});
