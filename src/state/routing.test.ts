import { describe, expect, it } from 'vitest';
import { frameHeader, routedStats } from '../fixtures/frame';
import type { DecodedFrame } from '../wire/codec';
import type { FrameLayout, Site } from '../wire/types.generated';
import { addressOf, gained, heaviest, mixturesOf, spotOf, Tally } from './routing';

const STATS = ['norm', 'mean'];

/** A layout in which each block has so many experts, with other rows before and between. */
function layoutOf(blocks: Readonly<Record<string, number>>): FrameLayout {
  const sites: Site[] = [{ address: 'embed', kind: 'embed' }];
  for (const [address, experts] of Object.entries(blocks)) {
    for (let i = 0; i < experts; i++) sites.push({ address: `${address}.E${i}`, kind: 'expert' });
    sites.push({ address, kind: 'block' });
  }
  return { sites, stats: STATS, updates: [] };
}

type Weights = (address: string, expert: number, position: number) => number;

function frameOf(layout: FrameLayout, weights: Weights, header: Partial<DecodedFrame['header']> = {}): DecodedFrame {
  const positions = header.positions ?? 4;
  return {
    header: frameHeader({ ...header, positions }),
    stats: routedStats(layout, positions, 7, weights),
    updates: new Float32Array(0),
    inside: new Map(),
  };
}

const tallyOf = (layout: FrameLayout, ...frames: DecodedFrame[]) => {
  const tally = new Tally(mixturesOf(layout));
  tally.follow(frames, STATS.length, 0);
  return tally;
};

/** Each token is sent to the `k` experts after its position, so that all get equally many. */
const round =
  (k: number, experts: number): Weights =>
  (_, expert, position) =>
    (expert + 100 * experts - position) % experts < k ? 1 / k : 0;

describe('mixtures of a layout', () => {
  const layout = layoutOf({ 'L1.moe': 4, 'decoder.L2.moe': 6 });

  it('are found with their rows, also where they have different numbers of experts', () => {
    expect(mixturesOf(layout)).toEqual([
      { address: 'L1.moe', index: 0, experts: 4, row: 1, offset: 0 },
      { address: 'decoder.L2.moe', index: 1, experts: 6, row: 6, offset: 4 },
    ]);
  });

  it('are named by the address of an expert, a block or a layer', () => {
    const mixtures = mixturesOf(layout);
    expect(spotOf(mixtures, 'decoder.L2.moe.E5')).toEqual({ mixture: 1, expert: 5 });
    expect(spotOf(mixtures, 'L1')).toEqual({ mixture: 0, expert: -1 });
    expect(spotOf(mixtures, 'L1.moe')).toEqual({ mixture: 0, expert: -1 });
    for (const none of ['L1.moe.E4', 'L2', 'L1.attn.H0', null]) expect(spotOf(mixtures, none)).toBeNull();
    expect(addressOf(mixtures, { mixture: 0, expert: 3 })).toBe('L1.moe.E3');
  });
});

describe('load', () => {
  it('is even, with an entropy of log2 of the experts, where all get equally many', () => {
    const layout = layoutOf({ 'L0.moe': 8 });
    const tally = tallyOf(layout, frameOf(layout, round(2, 8), { positions: 8 }));
    const [mixture] = tally.mixtures;
    if (!mixture) throw new Error('there is one');
    for (let expert = 0; expert < 8; expert++) expect(tally.load(mixture, expert)).toBe(1);
    expect(tally.entropy(mixture)).toBeCloseTo(3, 12);
    expect(tally.even(mixture)).toBe(0.25);
    expect(tally.share(mixture, 3)).toBe(0.25);
  });

  it('of one expert that gets all is as many times the even share as there are experts, and its entropy 0', () => {
    const layout = layoutOf({ 'L0.moe': 16 });
    const tally = tallyOf(
      layout,
      frameOf(layout, (_, expert) => (expert === 5 ? 1 : 0)),
    );
    const [mixture] = tally.mixtures;
    if (!mixture) throw new Error('there is one');
    expect(tally.load(mixture, 5)).toBe(16);
    expect(tally.load(mixture, 4)).toBe(0);
    expect(tally.entropy(mixture)).toBe(0);
    expect(tally.busiest(mixture)).toBe(5);
    expect([tally.rank(mixture, 5), tally.rank(mixture, 4)]).toEqual([1, 2]);
  });

  it('counts each token as often as it was sent: top k times the tokens', () => {
    const layout = layoutOf({ 'L0.moe': 5, 'L1.moe': 7 });
    const weights: Weights = (block, expert, position) => round(3, block === 'L0.moe' ? 5 : 7)(block, expert, position);
    const tally = tallyOf(layout, frameOf(layout, weights, { positions: 11 }));
    expect([...tally.choices]).toEqual([33, 33]);
    expect([...tally.tokens]).toEqual([11, 11]);
    expect(tally.counts.slice(0, 5).reduce((a, b) => a + b)).toBe(33);
  });

  it('leaves out what was not measured, and tells it from no token', () => {
    const layout = layoutOf({ 'L0.moe': 3, 'L1.moe': 3 });
    const tally = tallyOf(
      layout,
      frameOf(layout, (block, expert, position) =>
        block === 'L1.moe' || position === 0 ? Number.NaN : expert === 0 ? 1 : 0,
      ),
    );
    const [first, second] = tally.mixtures;
    if (!first || !second) throw new Error('there are two');
    expect(tally.tokens[0]).toBe(3);
    expect(tally.load(first, 1)).toBe(0);
    expect(tally.load(second, 1)).toBeNaN();
    expect(tally.entropy(second)).toBeNaN();
    expect(tally.busiest(second)).toBe(-1);
  });

  it('has the mean weight from the tokens that came', () => {
    const layout = layoutOf({ 'L0.moe': 2 });
    const tally = tallyOf(
      layout,
      frameOf(layout, (_, expert, position) => (expert === 0 && position < 2 ? 0.25 + 0.5 * position : 0)),
    );
    const [mixture] = tally.mixtures;
    if (!mixture) throw new Error('there is one');
    expect(tally.weight(mixture, 0)).toBe(0.5);
    expect(tally.weight(mixture, 1)).toBeNaN();
  });
});

describe('a sequence', () => {
  const layout = layoutOf({ 'L0.moe': 4 });
  const to =
    (expert: number): Weights =>
    (_, one) =>
      one === expert ? 1 : 0;
  const prompt = frameOf(layout, to(0), { origin: 'generate', positions: 3, first: 0 });
  const token = (first: number, expert: number) =>
    frameOf(layout, to(expert), { origin: 'generate', positions: 1, first });

  it('is counted frame by frame, as if it had come at once', () => {
    const tally = new Tally(mixturesOf(layout));
    const frames = [prompt, token(3, 1), token(4, 2)];
    for (let i = 1; i <= frames.length; i++) tally.follow(frames.slice(0, i), STATS.length, 0);
    expect([...tally.counts]).toEqual([3, 1, 1, 0]);
    expect([...tallyOf(layout, ...frames).counts]).toEqual([3, 1, 1, 0]);
    expect([tally.first, tally.end, tally.counted]).toEqual([0, 5, 5]);
  });

  it('goes on where its earlier frames are not kept any more', () => {
    const tally = tallyOf(layout, prompt, token(3, 1));
    tally.follow([token(4, 2)], STATS.length, 0);
    expect([...tally.counts]).toEqual([3, 1, 1, 0]);
  });

  it('is counted again when one goes back in it', () => {
    const frames = [prompt, token(3, 1), token(4, 2)];
    const tally = tallyOf(layout, ...frames);
    tally.follow(frames.slice(0, 2), STATS.length, 0);
    expect([...tally.counts]).toEqual([3, 1, 0, 0]);
  });

  it('begins anew with another one, and where something else is ablated', () => {
    const tally = tallyOf(layout, prompt, token(3, 1));
    tally.follow([frameOf(layout, to(3), { positions: 2 })], STATS.length, 0);
    expect([...tally.counts]).toEqual([0, 0, 0, 2]);
    const cut = frameOf(layout, to(1), { origin: 'generate', positions: 1, first: 2, interventions: 1 });
    tally.follow([cut], STATS.length, 0);
    expect([...tally.counts]).toEqual([0, 1, 0, 0]);
    expect(tally.first).toBe(2);
  });

  it('knows that the frame of a prompt was cut to its end', () => {
    const cut = frameOf(layout, to(0), { origin: 'generate', positions: 2, first: 9 });
    const tally = tallyOf(layout, cut, token(11, 1));
    expect([tally.first, tally.counted, tally.cut]).toEqual([9, 3, true]);
    expect(tallyOf(layout, prompt, token(3, 1)).cut).toBe(false);
  });

  it('says how many tokens were too fast to be shown', () => {
    const tally = tallyOf(layout, prompt, token(7, 1));
    expect([tally.counted, tally.end - tally.first]).toEqual([4, 8]);
  });
});

describe('against the clean run', () => {
  const layout = layoutOf({ 'L0.moe': 3 });
  const before = tallyOf(
    layout,
    frameOf(layout, (_, expert, position) => (expert === (position < 3 ? 0 : 1) ? 1 : 0)),
  );
  const after = tallyOf(
    layout,
    frameOf(layout, (_, expert) => (expert === 1 ? 1 : 0)),
  );

  it('says who took over, and nothing was lost on the way', () => {
    const [mixture] = after.mixtures;
    if (!mixture) throw new Error('there is one');
    expect([0, 1, 2].map((expert) => gained(after, before, mixture, expert))).toEqual([-3, 3, 0]);
  });

  it('says nothing where the tokens are others', () => {
    const [mixture] = after.mixtures;
    if (!mixture) throw new Error('there is one');
    const longer = tallyOf(
      layout,
      frameOf(layout, () => 1, { positions: 9 }),
    );
    expect(gained(after, longer, mixture, 0)).toBeNaN();
    expect(gained(after, null, mixture, 0)).toBeNaN();
  });
});

it('finds the tokens that weigh an expert most, heaviest first', () => {
  const layout = layoutOf({ 'L0.moe': 2 });
  const weights = [0.2, 0, 0.9, 0.4];
  const frame = frameOf(layout, (_, expert, position) => (expert === 1 ? (weights[position] ?? 0) : 0));
  const places = weights.map((_, position) => ({ frame, position }));
  const found = heaviest(places, 2, { stats: STATS.length, column: 0, most: 2 });
  expect(found.map(({ place }) => place.position)).toEqual([2, 3]);
  expect(heaviest(places, 1, { stats: STATS.length, column: 0, most: 2 })).toEqual([]);
});
