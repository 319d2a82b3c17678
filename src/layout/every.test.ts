/** What holds of every scene, over every architecture that there is: gallery models and causal model types. */
import { beforeAll, describe, expect, it } from 'vitest';
import { everyName, oneOf } from '../fixtures/every';
import { crossings, loose, missing, outside, overlaps } from '../fixtures/invariants';
import type { Architecture } from '../wire/types.generated';
import { layoutScene, type Scene } from './index';
import { layerCount } from './model';
import { split } from './split';

const measure = (text: string, px: number) => text.length * px * 0.6;
const WIDTHS = [480, 700, 1100, 1400, 2400];
/** With more layers than this nobody opens all of them; their places follow from the folded card's in any width. */
const OPENED = 40;
const WIDTHS_OPENED = [480, 1400];

interface Case {
  readonly what: string;
  readonly scene: Scene;
}

/** In cells of these widths text is read at its size whatever is opened; where there is room for two columns, and where not. */
const PAGES_OPENED = [480, 1100];

/** The blocks of an architecture that can be opened, each kind of them once. */
function openable({ stacks }: Architecture): string[] {
  const known = new Map<string, string>();
  for (const { template } of stacks.flatMap(({ groups }) => groups)) {
    for (const { inside, address } of template.blocks) {
      const key = JSON.stringify(inside?.steps.map(({ name, op, shape }) => [name, op, shape]));
      if (inside && !known.has(key)) known.set(key, address);
    }
  }
  return [...known.values()];
}

function* openedOf(of: Architecture): Generator<Case> {
  for (const page of PAGES_OPENED) {
    for (const opened of openable(of)) {
      const live = page > 900;
      const width = split(page - 24, live).diagram;
      const scene = layoutScene(of, { width, live, bound: {}, measure, opened });
      yield { what: `${page} px, ${opened} opened`, scene };
    }
  }
}

function* scenesOf(of: Architecture): Generator<Case> {
  for (const page of WIDTHS) {
    for (const live of [true, false]) {
      const width = split(page - 24, live).diagram;
      const opened = layerCount(of) <= OPENED && WIDTHS_OPENED.includes(page);
      for (const folded of opened ? [true, false] : [true]) {
        const what = `${page} px, ${live ? 'live' : 'static'}, ${folded ? 'folded' : 'unfolded'}`;
        yield { what, scene: layoutScene(of, { width, live, folded, bound: {}, measure }) };
      }
    }
  }
}

describe.each(everyName())('%s', (name) => {
  let cases: Case[] = [];
  let opened: Case[] = [];
  let of: Architecture;
  beforeAll(() => {
    of = oneOf(name);
    opened = [...openedOf(of)];
    cases = [...scenesOf(of), ...opened];
  });
  /** Fails with a sentence for each place in each scene. */
  const holds = (found: (scene: Scene) => string[]) => {
    const broken = cases.flatMap(({ what, scene }) => found(scene).map((text) => `${what}: ${text}`));
    expect(broken.length, broken.join('\n')).toBe(0);
  };

  it('lets nothing overlap', () => holds(overlaps));
  it('leads no line across what it does not belong to', () => holds(crossings));
  it('leads every wire to its block, and lays no norm on another', () => holds(loose));
  it('keeps everything within the picture', () => holds(outside));
  it('has a place for every block of every layer', () => holds((scene) => missing(scene, of)));
  it('has the whole inside of a block that is opened in its box', () => {
    for (const { what, scene } of opened) {
      const boxes = scene.cards.flatMap(({ blocks }) => blocks);
      for (const { inside, x, w } of boxes.filter((box) => box.inside)) {
        expect(inside && inside.x + inside.scene.width, what).toBeLessThanOrEqual(x + w);
      }
    }
  });
  it('is the same each time', () => {
    const [first] = cases;
    expect([...scenesOf(oneOf(name))][0]).toEqual(first);
  });
});

it('shows insides without making anything smaller, all but a few in the width that there is', () => {
  const wide = everyName().filter((name) =>
    [...openedOf(oneOf(name))].some(({ what, scene }) => {
      const page = Number.parseInt(what, 10);
      return scene.width > split(page - 24, page > 900).diagram;
    }),
  );
  expect(wide).toEqual(['causal-prophetnet-ProphetNetForCausalLM']);
});

it('opens blocks of nearly all: what was made before there were insides is out of date', () => {
  const closed = everyName().filter((name) => openable(oneOf(name)).length === 0);
  expect(closed.length).toBeLessThan(everyName().length / 10);
});
