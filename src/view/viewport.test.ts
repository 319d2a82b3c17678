import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { architecture } from '../fixtures';
import { RecordedModel } from '../state/recorded';
import { Session } from '../state/session';
import { mount } from './app';

const abort = { now: new AbortController() };
const host = document.createElement('div');
const svg = () => host.querySelector('.gb-diagram') as SVGSVGElement;
const box = () => (svg().getAttribute('viewBox') ?? '').split(' ').map(Number);
const press = (key: string) =>
  svg()
    .querySelector('.gb-hit')
    ?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));

beforeEach(() => {
  abort.now = new AbortController();
  document.body.append(host);
  const of = { architecture: architecture('gemma3n'), layout: null, recording: null };
  mount(new Session(new RecordedModel(of), abort.now.signal, {}), host, abort.now.signal);
});
afterEach(() => abort.now.abort());

describe('a diagram that is taller than its window', () => {
  it('is seen from the top as large as it is, with a small map of all of it', () => {
    const [x, y, w, h = 0] = box();
    expect([x, y, w]).toEqual([0, 0, Number(svg().getAttribute('width'))]);
    expect(h).toBe(Number(svg().getAttribute('height')));
    expect(host.querySelector('.gb-minimap')?.classList.contains('gb-on')).toBe(true);
  });

  it('is seen whole at 0, has no map then and fewer words, and is as large as before at 1', () => {
    const before = box();
    press('0');
    expect(box()[3]).toBeGreaterThan(before[3] ?? 0);
    expect(host.querySelector('.gb-minimap')?.classList.contains('gb-on')).toBe(false);
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
