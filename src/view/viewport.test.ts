import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture } from '../fixtures';
import { RecordedModel } from '../state/recorded';
import { Session } from '../state/session';
import type { Architecture, Group } from '../wire/types.generated';
import { mount } from './app';

const abort = { now: new AbortController() };
const host = document.createElement('div');
const svg = () => host.querySelector('.gb-diagram') as SVGSVGElement;
const box = () => (svg().getAttribute('viewBox') ?? '').split(' ').map(Number);
const press = (key: string) =>
  svg()
    .querySelector('.gb-hit')
    ?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));

const shown = (selector: string) => host.querySelector<HTMLElement>(selector)?.hidden === false;

/** A model with its kinds of layers twice over: it is two windows tall. */
function towering(): Architecture {
  const of = architecture('gemma3n');
  const [stack] = of.stacks;
  const kinds = stack?.groups ?? [];
  if (stack) stack.groups = [0, 1].flatMap((again) => kinds.map((group) => moved(group, again * 100)));
  return of;
}

function moved(group: Group, by: number): Group {
  const address = `L${group.template.index + by}`;
  const rename = JSON.stringify(group).replaceAll(`"${group.template.address}.`, `"${address}.`);
  const copy = JSON.parse(rename) as Group;
  const layers = group.layers.map((index) => index + by);
  return { ...copy, layers, template: { ...copy.template, address, index: group.template.index + by } };
}

beforeEach(() => {
  vi.useFakeTimers();
  abort.now = new AbortController();
  document.body.append(host);
  const of = { architecture: towering(), layout: null, recording: null };
  mount(new Session(new RecordedModel(of), abort.now.signal, {}), host, abort.now.signal);
});
afterEach(() => {
  abort.now.abort();
  vi.useRealTimers();
});

describe('a diagram that is taller than its window', () => {
  it('is seen from the top as large as it is, with a small map of all of it', () => {
    const [x, y, w, h = 0] = box();
    expect([x, y, w]).toEqual([0, 0, Number(svg().getAttribute('width'))]);
    expect(h).toBe(Number(svg().getAttribute('height')));
    expect(shown('.gb-map-button')).toBe(true);
  });

  it('has nothing on it but for the moment in which it moves, and while its map is opened', () => {
    const map = host.querySelector('.gb-minimap') as SVGElement;
    expect(map.classList).not.toContain('gb-on');
    press('+');
    expect([...map.classList]).toEqual(['gb-minimap', 'gb-passing']);
    vi.advanceTimersByTime(1000);
    expect([...map.classList]).toEqual(['gb-minimap']);
    host.querySelector<HTMLElement>('.gb-map-button')?.click();
    expect(map.classList).toContain('gb-on');
    map.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerId: 1 }));
    expect(map.classList).toContain('gb-on');
    svg().dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerId: 1 }));
    expect(map.classList).not.toContain('gb-on');
  });

  it('comes nearer at a double click on empty ground, and goes back with Shift', () => {
    const width = box()[2] ?? 0;
    svg().dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
    expect(box()[2]).toBeCloseTo(width / 2, 0);
    svg().dispatchEvent(new MouseEvent('dblclick', { bubbles: true, shiftKey: true }));
    expect(box()[2]).toBeCloseTo(width, 0);
    svg()
      .querySelector('.gb-hit')
      ?.dispatchEvent(new MouseEvent('dblclick', { bubbles: true }));
    expect(box()[2]).toBeCloseTo(width, 0);
  });

  it('is seen whole at 0, has no map then and fewer words, and is as large as before at 1', () => {
    const before = box();
    press('0');
    expect(box()[3]).toBeGreaterThan(before[3] ?? 0);
    expect(shown('.gb-map-button')).toBe(false);
    expect(svg().dataset.detail).toBe('layer');
    press('1');
    expect(box()[3]).toBe(before[3]);
    expect(svg().dataset.detail).toBe('block');
  });

  it('grows and shrinks at + and −, in a window that stays as it is', () => {
    const size = () => [svg().getAttribute('width'), svg().getAttribute('height')];
    const [before, width] = [size(), box()[2] ?? 0];
    press('+');
    expect(box()[2]).toBeCloseTo(width / 1.25, 0);
    press('-');
    expect(box()[2]).toBeCloseTo(width, 0);
    expect(size()).toEqual(before);
  });

  it('is moved by a button that is held, and not by one that was let go of beside it', () => {
    const point = (name: string, clientY: number, buttons: number) =>
      svg().dispatchEvent(new PointerEvent(name, { bubbles: true, pointerId: 1, clientY, buttons }));
    press('0');
    point('pointerdown', 100, 1);
    press('1');
    const before = box();
    point('pointermove', 50, 0);
    expect(box()).toEqual(before);
  });

  it('leaves the wheel to the page, but for Ctrl and the wheel', () => {
    const wheel = (ctrlKey: boolean) => {
      // happy-dom's own wheel event knows no modifiers.
      const event = Object.assign(new Event('wheel', { bubbles: true, cancelable: true }), {
        ...{ ctrlKey, metaKey: false, deltaMode: 0, deltaY: -100, clientX: 0, clientY: 0 },
      });
      svg().dispatchEvent(event);
      return event.defaultPrevented;
    };
    const before = box();
    expect(wheel(false)).toBe(false);
    expect(box()).toEqual(before);
    expect(wheel(true)).toBe(true);
    expect(box()[2]).toBeLessThan(before[2] ?? 0);
  });
});
