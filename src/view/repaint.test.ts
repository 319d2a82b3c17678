import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Repaint } from './repaint';

let controller: AbortController;
let see: (isIntersecting: boolean) => void;
let painted = 0;

function open() {
  const root = document.createElement('div');
  const repaint = new Repaint({ root, signal: controller.signal }, () => {
    painted += 1;
  });
  repaint.now();
  return repaint;
}

/** A change, and so many ms after it. */
async function change(repaint: Repaint, ms = 0) {
  repaint.schedule();
  await vi.advanceTimersByTimeAsync(ms);
}

beforeEach(() => {
  vi.useFakeTimers();
  controller = new AbortController();
  painted = 0;
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(told: IntersectionObserverCallback) {
        see = (isIntersecting) =>
          told([{ isIntersecting } as IntersectionObserverEntry], this as unknown as IntersectionObserver);
      }
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => {
  controller.abort();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('a view in sight', () => {
  it('is painted once for all changes of a message, as often as messages come', async () => {
    const repaint = open();
    repaint.schedule();
    repaint.schedule();
    await change(repaint);
    expect(painted).toBe(2);
    await change(repaint, 10);
    expect(painted).toBe(3);
  });
});

describe('a view out of sight', () => {
  it('is painted twice a second, however often it changes', async () => {
    const repaint = open();
    see(false);
    for (let i = 0; i < 99; i++) await change(repaint, 20);
    // The first, then after 500, 1,000 and 1,500 ms.
    expect(painted).toBe(4);
  });

  it('is painted before it comes into sight, and before it is printed', async () => {
    const repaint = open();
    see(false);
    await change(repaint, 20);
    expect(painted).toBe(1);
    see(true);
    expect(painted).toBe(2);
    see(false);
    await change(repaint, 20);
    window.dispatchEvent(new Event('beforeprint'));
    expect(painted).toBe(3);
    // What nothing has changed in is not painted.
    see(true);
    await vi.advanceTimersByTimeAsync(1000);
    expect(painted).toBe(3);
  });

  it('is not painted once it is gone', async () => {
    const repaint = open();
    see(false);
    await change(repaint, 20);
    controller.abort();
    expect(vi.getTimerCount()).toBe(0);
    await change(repaint, 1000);
    expect(painted).toBe(1);
  });
});
