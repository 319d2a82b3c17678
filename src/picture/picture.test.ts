import { readFileSync } from 'node:fs';
import { DOMParser as LightParser } from 'linkedom';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { architecture, NAMES } from '../fixtures';
import { layoutScene } from '../layout';
import type { Comparison } from '../wire/types.generated';
import { rulesOf } from './css';
import { type PictureOptions, pictureOf, pictureOfComparison } from './index';
import { isKnown, measure } from './metrics';
import { matched, Style } from './style';
import { wrapped } from './words';

const FILES = ['base', 'diagram', 'hits', 'comparison'];
const css = FILES.map((name) => readFileSync(`src/style/${name}.css`, 'utf8')).join('\n');

const draw = (name: (typeof NAMES)[number], options?: PictureOptions) => pictureOf(architecture(name), css, options);
/** What a browser makes of a file, by happy-dom's parser, which knows nothing of how it was written. */
const parsed = (svg: string) => new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
const textsOf = (svg: string) => [...parsed(svg).querySelectorAll('text')].map((node) => node.textContent);

afterEach(() => vi.unstubAllGlobals());

describe.each(NAMES)('the picture of %s', (name) => {
  const of = architecture(name);
  const svg = draw(name);
  const scene = layoutScene(of, { width: 820, live: false, bound: {}, measure });

  it('says all that the layout says', () => {
    const said = new Set(textsOf(svg));
    const boxes = scene.cards.flatMap((card) => card.blocks);
    const wanted = [
      of.name,
      ...scene.cards.flatMap((card) => (card.folded ? [card.title, card.subtitle] : [`L${card.index}`])),
      ...boxes.flatMap((box) => [box.name, box.type, box.params, ...box.rows.flatMap((row) => [row.label, row.value])]),
      ...boxes.flatMap((box) => box.cells.flatMap((cell) => (cell.labelled ? [cell.name] : []))),
      ...scene.ends.flatMap((end) => [end.name, end.type, end.params]),
      ...scene.spines.map((spine) => spine.label),
      ...scene.edges.map((edge) => edge.label),
    ];
    expect(wanted.filter((text) => text !== '' && !said.has(text))).toEqual([]);
  });

  it('has a mark for every head and every expert', () => {
    const there = new Set(
      [...parsed(svg).querySelectorAll('[data-address]')].map((node) => node.getAttribute('data-address')),
    );
    const cells = scene.cards.flatMap((card) => card.blocks.flatMap((box) => box.cells));
    expect(cells.filter((cell) => !there.has(cell.address))).toEqual([]);
  });

  it('is the same in a light DOM as in one like a browser', () => {
    vi.stubGlobal('document', new LightParser().parseFromString('', 'image/svg+xml'));
    expect(draw(name)).toBe(svg);
  });
});

describe('a picture', () => {
  it('is folded, or has each layer on a card of its own', () => {
    expect(textsOf(draw('gpt2')).filter((text) => text === 'mlp')).toHaveLength(1);
    expect(textsOf(draw('gpt2', { folded: false })).filter((text) => text === 'mlp')).toHaveLength(12);
    expect(textsOf(draw('gpt', { folded: true })).filter((text) => text === 'mlp')).toHaveLength(1);
  });

  it('shows the inside of the block that is opened, and nothing that is there to be clicked', () => {
    const closed = draw('llama');
    const opened = draw('llama', { opened: 'L0.attn' });
    expect(textsOf(closed)).not.toContain('q_proj');
    expect(textsOf(opened)).toEqual(
      expect.arrayContaining(['q_proj', 'k_proj', 'v_proj', 'softmax', 'o_proj', 'pattern']),
    );
    expect(opened).not.toMatch(/var\(|class=|NaN|undefined|Show what is inside/);
  });

  it('has the colours of its theme and no variables', () => {
    const [light, dark] = [draw('gpt2'), draw('gpt2', { theme: 'dark' })];
    expect(light).toContain('fill="#4f4fcb"');
    expect(dark).toContain('fill="#a5a5ff"');
    expect(parsed(light).querySelector('rect')?.getAttribute('fill')).toBe('#fff');
    expect(parsed(dark).querySelector('rect')?.getAttribute('fill')).toBe('#111');
    for (const svg of [light, dark]) expect(svg).not.toMatch(/var\(|url\(|class=|style=|<script|NaN|undefined/);
  });

  it('takes names as text, whatever they are', () => {
    const of = architecture('gpt');
    of.name = '</title><script>alert("1")</script>\u0000\ud800';
    const root = parsed(pictureOf(of, css));
    expect(root.querySelector('script')).toBeNull();
    expect(root.querySelector('title')?.textContent).toBe('</title><script>alert("1")</script>\ufffd\ufffd');
  });

  it('says where nothing was observed', () => {
    const of = architecture('gpt');
    of.trace = { ...of.trace, rung: 'tree', notes: ['it did not run'] };
    expect(textsOf(pictureOf(of, css)).join(' ')).toMatch(/wired is assumed.*it did not run/);
  });
});

describe('a comparison', () => {
  const row = { part: 'L0 mlp', what: 'hidden', left: '512', right: '3,072', same: false, a: 'L0.mlp', b: 'L0.mlp' };
  const comparison: Comparison = {
    a: architecture('gpt'),
    b: architecture('gpt2'),
    rows: [row, { ...row, what: 'gated', left: 'no', right: 'no', same: true }],
  };
  const svg = pictureOfComparison(comparison, css);
  const dashed = [...parsed(svg).querySelectorAll('rect')].filter(
    (node) => node.getAttribute('stroke-dasharray') === '7 4',
  );

  it('marks what differs in both', () => {
    // Three layers of their own on the left, one card for twelve on the right.
    expect(dashed).toHaveLength(4);
  });

  it('lists what differs and nothing else', () => {
    const said = textsOf(svg);
    for (const text of ['L0 mlp', 'hidden', '512', '3,072', '1 facts differ, 1 agree. Dashed blocks differ.']) {
      expect(said).toContain(text);
    }
    expect(said).not.toContain('gated');
  });
});

describe('a style', () => {
  const styled = (sheet: string, markup: string) => {
    const root = parsed(`<svg xmlns="http://www.w3.org/2000/svg" class="root">${markup}</svg>`);
    const matches = matched(root, rulesOf(sheet));
    const of = (element: Element, inherited: Style): Map<string, string>[] => {
      const { style, attributes } = inherited.of(element, matches.get(element) ?? new Map());
      return [attributes, ...[...element.children].flatMap((child) => of(child, style))];
    };
    return of(root, Style.initial).map((attributes) => Object.fromEntries(attributes));
  };

  it('lets the more specific rule count, and of equals the later', () => {
    const sheet = '.root .a { fill: red } .a { fill: blue } .b { stroke: red } .b { stroke: blue }';
    expect(styled(sheet, '<g class="a b"/>')[1]).toEqual({ fill: 'red', stroke: 'blue' });
  });

  it('counts :is() as the most specific of what is in it', () => {
    expect(styled(':is(.a, g) { fill: red } g { fill: blue }', '<g/>')[1]).toEqual({ fill: 'red' });
  });

  it('resolves variables where they are used, with what stands for them', () => {
    const sheet =
      '.a { --x: red } .b { --x: var(--none, blue) } rect { fill: var(--x); stroke: var(--y, var(--z, green)) }';
    const [, , first, , second] = styled(sheet, '<g class="a"><rect/></g><g class="b"><rect/></g>');
    expect(first).toEqual({ fill: 'red', stroke: 'green' });
    expect(second).toEqual({ fill: 'blue', stroke: 'green' });
  });

  it('leaves out what is inherited, what a pointer does, and what a medium asks for', () => {
    const sheet = '.a { fill: red } .a rect { fill: red } rect:hover { fill: blue } @media print { .a { fill: blue } }';
    expect(styled(sheet, '<g class="a"><rect/></g>')).toEqual([{}, { fill: 'red' }, {}]);
  });

  it('tells apart what a selector tells apart, and refuses to count', () => {
    const sheet = '[data-form="bus"] { fill: red } .a [data-form="bus"] { fill: blue }';
    const same = '<rect data-form="bus"/><rect data-form="box"/><rect data-form="bus"/>';
    const fills = styled(sheet, `${same}<g class="a">${same}</g>`).map(({ fill }) => fill);
    expect(fills).toEqual([undefined, 'red', undefined, 'red', undefined, 'blue', undefined, 'blue']);
    expect(() => styled('rect:first-child { fill: red }', same)).toThrow('counts siblings');
  });

  it('says what has no value', () => {
    expect(() => styled('g { fill: var(--lost) }', '<g/>')).toThrow('--lost has no value');
  });
});

describe('text', () => {
  it('has the widths that are published for Helvetica', () => {
    expect(measure('A', 1000, 400)).toBe(667);
    expect(measure('a', 1000, 600)).toBe(556);
    expect(measure('Wi', 10, 400)).toBeCloseTo(11.66);
    expect(isKnown('768 → 3,072')).toBe(true);
    expect(isKnown('模型')).toBe(false);
  });

  it('is broken between words, and a word that is too wide is cut', () => {
    expect(wrapped('aa aa aa', measure('aa aa', 11, 400))).toEqual(['aa aa', 'aa']);
    expect(wrapped('aaaaaaaa b', measure('aaa…', 11, 400))).toEqual(['aaa…', 'b']);
    expect(wrapped('', 10)).toEqual([]);
  });
});
