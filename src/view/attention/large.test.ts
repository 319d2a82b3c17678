/** What a person hears of a pattern: the crosshair's words, and the table that says the same. */
import { describe, expect, it } from 'vitest';
import { FIRST_VIEW } from '../../state/local';
import type { Pattern } from '../../state/pattern';
import { Store } from '../../state/store';
import { numbersOf } from '../../wire/numbers';
import type { View } from '../context';
import { Large } from './large';
import { signedScale, UNIT } from './palette';

const ROWS = [
  [1, Number.NaN, Number.NaN],
  [0.25, 0.75, Number.NaN],
  [0.84, 0.157, 0.003],
];
const PLACES = ['When', 'Mary', '<b>to</b>'].map((token, position) => ({ token, position }));

const pattern = (rows: readonly (readonly number[])[]): Pattern => ({
  heads: 1,
  queries: PLACES,
  keys: PLACES,
  before: 0,
  at: (_, row, column) => rows[row]?.[column] ?? Number.NaN,
});

function large(now: Pattern, clean: Pattern | null = null): HTMLElement {
  const view = {
    root: document.body,
    state: new Store(FIRST_VIEW),
    signal: new AbortController().signal,
    measure: (text: string) => 6 * text.length,
  };
  const drawn = new Large(view as unknown as View);
  const [differs, scale] = [clean !== null, clean === null ? UNIT : signedScale(1, 'light')];
  drawn.paint({
    name: 'L2.attn.H1',
    head: 0,
    shown: now,
    now,
    clean,
    differs,
    scale,
    room: { width: 300, density: 1 },
  });
  document.body.replaceChildren(drawn.element);
  return drawn.element;
}

const says = (element: HTMLElement) => element.querySelector('[role=status]')?.textContent;
const press = (element: HTMLElement, ...keys: string[]) => {
  const stage = element.querySelector('.gb-pattern-stage');
  for (const key of keys) stage?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
};

describe('a large pattern', () => {
  it('begins at the key that the last query looks at most, and is read with the arrow keys', () => {
    const element = large(pattern(ROWS));
    expect(says(element)).toBe('<b>to</b> → When0.84');
    press(element, 'ArrowRight', 'ArrowRight', 'ArrowRight');
    expect(says(element)).toBe('<b>to</b> → <b>to</b>0.0030');
    press(element, 'ArrowUp');
    expect(says(element)).toBe('Mary → <b>to</b>cannot look ahead');
  });

  it('has a table of what each query looks at most, made when it is opened', () => {
    const element = large(pattern(ROWS));
    const table = element.querySelector('details') as HTMLDetailsElement;
    const rows = () =>
      [...table.querySelectorAll('tbody tr')].map((row) => [...row.children].map((td) => td.textContent));
    expect(rows()).toEqual([]);
    table.open = true;
    table.dispatchEvent(new Event('toggle'));
    expect(rows()).toEqual([
      ['When (0)', 'When (0)', '1.00'],
      ['Mary (1)', 'Mary (1)', '0.75'],
      ['<b>to</b> (2)', 'When (0)', '0.84'],
    ]);
    expect(table.querySelector('b')).toBeNull();
  });
});

describe('the pointer', () => {
  it('reads the cell that is under it, also where the page is magnified for a projector', () => {
    const element = large(pattern(ROWS));
    const canvas = element.querySelector('canvas') as HTMLCanvasElement;
    // Names of nine letters of 6 px and 8 px beside them, then three columns of 30 px, all 1.4 times as large on the screen.
    Object.assign(canvas, { currentCSSZoom: 1.4, getBoundingClientRect: () => ({ left: 100, top: 50 }) });
    const over = (x: number, y: number) =>
      canvas.dispatchEvent(new MouseEvent('pointermove', { clientX: 100 + 1.4 * x, clientY: 50 + 1.4 * y }));
    const left = 6 * '<b>to</b>'.length + 8;
    over(left + 30 + 15, 60 + 15);
    expect(says(element)).toBe('<b>to</b> → Mary0.16');
    over(left + 29, 30 + 29);
    expect(says(element)).toBe('Mary → When0.25');
  });
});

describe('numbers of a buffer', () => {
  const of = (dtype: 'float16' | 'uint8', count: number) =>
    ({ name: 'x', shape: [1, count] as [number, number], dtype, first: 0, queries: null, keys: null }) as const;

  it('halves are what IEEE 754 says: the smallest, the largest, infinities and none', () => {
    const bits = new Uint16Array([0x0000, 0x3c00, 0x3555, 0x0001, 0x7bff, 0xfc00, 0x7e00]);
    const { values } = numbersOf(of('float16', 7), bits.buffer);
    expect([...values]).toEqual([0, 1, 0.333251953125, 2 ** -24, 65504, Number.NEGATIVE_INFINITY, Number.NaN]);
  });

  it('bytes are 255ths, and a buffer of another size is refused', () => {
    expect([...numbersOf(of('uint8', 2), new Uint8Array([0, 255]).buffer).values]).toEqual([0, 1]);
    expect(() => numbersOf(of('uint8', 3), new Uint8Array([0, 255]).buffer)).toThrow(/expected 3 bytes of x, got 2/);
  });
});
