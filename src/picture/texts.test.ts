/** What is written in a drawing can be read: over every architecture, in the widths of Helvetica. */
import { DOMParser as LightParser } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { everyName, oneOf } from '../fixtures/every';
import { layoutScene, type Rect } from '../layout';
import { split } from '../layout/split';
import { FIRST_VIEW } from '../state/local';
import { Store } from '../state/store';
import { Drawing } from '../view/drawing';
import { measure } from './metrics';

const WIDTHS = [480, 1100];

interface Text extends Rect {
  readonly text: string;
}

const SIZES: readonly [string, number][] = [
  ['gb-heading', 13],
  ['gb-small', 11],
  ['gb-type', 11],
  ['gb-line', 11],
  ['gb-number', 11],
];

const number = (node: Element, name: string) => Number(node.getAttribute(name));

/** How large the style sheet makes a text, and how bold. */
function fontOf(node: Element): [number, 400 | 600] {
  const classes = node.getAttribute('class')?.split(' ') ?? [];
  const inside = node.parentElement?.getAttribute('class') ?? '';
  const small = /gb-(cell|part)\b/.test(inside) || SIZES.some(([name, px]) => px === 11 && classes.includes(name));
  const bold = classes.some((name) => ['gb-heading', 'gb-name', 'gb-number'].includes(name));
  return [classes.includes('gb-heading') ? 13 : small ? 11 : 12, bold ? 600 : 400];
}

/** Where each text is; its height is that of small letters, for what goes above and below them is rarely in the way. */
function textsOf(root: Element): Text[] {
  // Names of cells get their place when they are painted, each in the middle of its own.
  const nodes = [...root.querySelectorAll('text')].filter((node) => !node.closest('.gb-cell'));
  return nodes.flatMap((node) => {
    const text = node.textContent ?? '';
    if (text === '') return [];
    const [px, weight] = fontOf(node);
    const w = measure(text, px, weight);
    const anchor = node.getAttribute('text-anchor');
    const x = number(node, 'x') - (anchor === 'middle' ? w / 2 : anchor === 'end' ? w : 0);
    return [{ text, x, y: number(node, 'y') - px * 0.55, w, h: px * 0.55 }];
  });
}

function framesOf(root: Element): (Rect & { readonly of: string })[] {
  return [...root.querySelectorAll('rect.gb-body, rect.gb-compact, .gb-card > rect')].map((node) => ({
    x: number(node, 'x'),
    y: number(node, 'y'),
    w: number(node, 'width'),
    h: number(node, 'height'),
    of: node.parentElement?.getAttribute('data-address') ?? node.getAttribute('data-address') ?? 'a card',
  }));
}

const cross = (a: Rect, b: Rect, by = 0.8) =>
  Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x) > by && Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y) > by;

const within = (a: Rect, b: Rect) =>
  a.x >= b.x - 0.8 && a.x + a.w <= b.x + b.w + 0.8 && a.y >= b.y - 0.8 && a.y + a.h <= b.y + b.h + 0.8;

function unreadable(root: Element, all: Rect, upright: readonly Rect[]): string[] {
  const texts = textsOf(root).sort((a, b) => a.y - b.y);
  const frames = framesOf(root);
  return texts.flatMap((text, i) => {
    const near: Text[] = [];
    for (let j = i + 1; j < texts.length && (texts[j] as Text).y < text.y + text.h; j++) near.push(texts[j] as Text);
    return [
      ...(within(text, all) ? [] : [`“${text.text}” is outside of the picture`]),
      ...near.filter((other) => cross(text, other)).map((other) => `“${text.text}” is over “${other.text}”`),
      ...frames
        .filter((frame) => cross(text, frame) && !within(text, frame))
        .map((frame) => `“${text.text}” goes over the edge of ${frame.of}`),
      ...upright.filter((line) => cross(text, line, 0)).map(() => `the stream goes through “${text.text}”`),
    ];
  });
}

// A light DOM: in one like a browser this takes minutes.
beforeAll(() => {
  vi.stubGlobal('document', new LightParser().parseFromString('', 'image/svg+xml'));
});
afterAll(() => {
  vi.unstubAllGlobals();
});

describe.each(everyName())('%s', (name) => {
  const found: string[] = [];
  beforeAll(() => {
    const of = oneOf(name);
    for (const page of WIDTHS) {
      const width = Math.max(436, split(page - 24, false).diagram);
      const scene = layoutScene(of, { width, live: false, bound: {}, measure });
      const drawing = new Drawing({ state: new Store(FIRST_VIEW), measure, uid: 'gb' });
      drawing.draw(scene);
      const streams = scene.spines.map(({ x, top, bottom }) => ({ x: x - 1.5, y: top, w: 3, h: bottom - top }));
      const all = { x: 0, y: 0, w: scene.width, h: scene.height };
      found.push(...unreadable(drawing.element, all, streams).map((text) => `${page} px: ${text}`));
    }
  });

  it('has no text that is cut, or over another one', () => expect(found.length, found.join('\n')).toBe(0));
});
