import { beforeEach, expect, it, vi } from 'vitest';
import { NextFrame } from './next-frame';

const painted = () => vi.advanceTimersToNextFrame();

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

it('draws once for all that was asked until the browser paints', () => {
  const draw = vi.fn();
  const next = new NextFrame(new AbortController().signal, draw);
  next.ask();
  next.ask();
  expect(draw).not.toHaveBeenCalled();
  painted();
  expect(draw).toHaveBeenCalledTimes(1);
  next.ask();
  painted();
  expect(draw).toHaveBeenCalledTimes(2);
});

it('draws nothing once the view is gone', () => {
  const [draw, controller] = [vi.fn(), new AbortController()];
  new NextFrame(controller.signal, draw).ask(50);
  controller.abort();
  vi.advanceTimersByTime(200);
  expect(draw).not.toHaveBeenCalled();
});

it('keeps what went wrong until it is drawn without', () => {
  let bad = true;
  const next = new NextFrame(new AbortController().signal, () => {
    if (bad) throw new Error('no numbers');
  });
  next.ask();
  painted();
  expect(() => next.check()).toThrow('no numbers');
  expect(() => next.check()).toThrow('no numbers');
  bad = false;
  next.ask();
  painted();
  expect(() => next.check()).not.toThrow();
});
