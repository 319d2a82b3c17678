import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sessionState } from '../fixtures';
import { frameHeader } from '../fixtures/frame';
import type { DecodedFrame } from '../wire/codec';
import type { Frame } from '../wire/types.generated';
import { columnsOf, tokensOf } from './moment';
import { Timeline } from './timeline';

const WORDS = ['When', ' Mary', ' and', ' John', ' went'];

function frame(seq: number, of: Partial<Frame> = {}): DecodedFrame {
  const header = frameHeader({ seq, origin: 'generate', ...of });
  return { header, stats: new Float32Array(0), updates: new Float32Array(0), inside: new Map() };
}

const prompt = (seq: number, of: Partial<Frame> = {}) => frame(seq, { positions: 3, tokens: WORDS.slice(0, 3), ...of });
const token = (seq: number, first: number, of: Partial<Frame> = {}) =>
  frame(seq, { first, tokens: [WORDS[first] ?? '?'], ...of });

/** All that a test opened: what is open shares the budget. */
let opened: AbortController[] = [];

function open(budget?: number, now?: () => number) {
  const controller = new AbortController();
  opened.push(controller);
  return { controller, timeline: new Timeline(controller.signal, budget, now) };
}

const seqs = (timeline: Timeline) => timeline.moments.map(({ frame: { header } }) => header.seq);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const controller of opened) controller.abort();
  opened = [];
  vi.useRealTimers();
});

describe('what is kept', () => {
  it('is a prompt and its tokens, and begins anew with another text', () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(2, 3), 10, null);
    timeline.push(token(3, 4), 10, null);
    expect(seqs(timeline)).toEqual([1, 2, 3]);
    timeline.push(prompt(4, { tokens: ['One', ' two', ' three'] }), 10, null);
    expect(seqs(timeline)).toEqual([4]);
  });

  it('goes on with the whole text that a generation ends with, and with other looks at it', () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(2, 3), 10, null);
    const all = { positions: 5, tokens: WORDS };
    timeline.push(frame(3, { ...all, origin: 'clean' }), 10, null);
    timeline.push(frame(4, { ...all, origin: 'run', interventions: 1 }), 10, null);
    expect(seqs(timeline)).toEqual([1, 2, 3, 4]);
  });

  it('goes on with the whole text also where the page was slower than the model and got some of its tokens', () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(3, 4), 10, null);
    timeline.push(frame(4, { positions: 5, tokens: WORDS, origin: 'clean' }), 10, null);
    expect(seqs(timeline)).toEqual([1, 3, 4]);
    timeline.push(frame(5, { positions: 5, tokens: [...WORDS.slice(0, 4), ' came'], origin: 'clean' }), 10, null);
    expect(seqs(timeline)).toEqual([5]);
  });

  it('has what a page was too slow for in its place when it comes, and says how much has not come', () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(4, 5, { missing: 2 }), 10, null);
    timeline.push(frame(5, { positions: 6, tokens: [...WORDS, '?'], origin: 'clean', missing: 2 }), 10, null);
    expect(timeline.state.value).toMatchObject({ kept: 3, missing: 2, at: 2 });
    timeline.push(token(3, 4, { missing: 1 }), 10, null);
    timeline.push(token(2, 3, { missing: 0 }), 10, null);
    expect(seqs(timeline)).toEqual([1, 2, 3, 4, 5]);
    expect(timeline.state.value).toMatchObject({ kept: 5, missing: 0, at: 4 });
    expect(timeline.shown?.frame.header.seq).toBe(5);
    timeline.go(3);
    expect(timeline.shown && tokensOf(timeline.shown)).toEqual([...WORDS, '?']);
    const columns = columnsOf(timeline.moments, (timeline.shown as { frame: DecodedFrame }).frame, 0, 6);
    expect(columns.map((one) => one?.frame.header.seq)).toEqual([1, 1, 1, 2, 3, 4]);
    timeline.go(1);
    expect(timeline.shown?.clean).toBeNull();
  });

  it('holds the moment that is looked at while others are put before it', () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(4, 5), 10, null);
    timeline.pause();
    timeline.push(token(3, 4), 10, null);
    expect(timeline.shown?.frame.header.seq).toBe(4);
    expect(timeline.state.value).toMatchObject({ kept: 3, at: 2, paused: true });
    timeline.step(-1);
    expect(timeline.shown?.frame.header.seq).toBe(3);
  });

  it('begins anew where what comes late begins another text', () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(4, 3), 10, null);
    timeline.push(prompt(3, { tokens: ['One', ' two', ' three'] }), 10, null);
    expect(seqs(timeline)).toEqual([3, 4]);
    expect(timeline.shown && tokensOf(timeline.shown)).toEqual(['One', ' two', ' three', ' John']);
  });

  it('takes what comes late before all that is kept, after older ones were dropped', () => {
    const { timeline } = open(30_000);
    for (let seq = 1; seq <= 10; seq++) if (seq !== 7) timeline.push(token(seq, seq + 2), 3000, null);
    expect(seqs(timeline)).toEqual([4, 5, 6, 8, 9, 10]);
    timeline.push(token(7, 9), 3000, null);
    expect(seqs(timeline)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(timeline.state.value).toMatchObject({ kept: 6, dropped: 4 });
    timeline.push(token(2, 4), 3000, null);
    expect(seqs(timeline)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it('is dropped at its oldest end where the budget is full, and counted', () => {
    const { timeline } = open(30_000);
    for (let seq = 1; seq <= 10; seq++) timeline.push(token(seq, seq + 2), 3000, null);
    // 3,000 bytes of buffers and 2,000 for the header: six frames fit.
    expect(seqs(timeline)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(timeline.state.value).toMatchObject({ kept: 6, at: 5, dropped: 4, paused: false });
  });

  it('shares the budget with the other sessions of the page', () => {
    const [one, other] = [open(30_000), open(30_000)];
    for (let seq = 1; seq <= 10; seq++) one.timeline.push(token(seq, seq + 2), 3000, null);
    expect(seqs(one.timeline)).toEqual([8, 9, 10]);
    other.controller.abort();
    for (let seq = 11; seq <= 20; seq++) one.timeline.push(token(seq, seq + 2), 3000, null);
    expect(one.timeline.moments).toHaveLength(6);
  });
});

describe('which frame is shown', () => {
  const three = () => {
    const { timeline } = open();
    timeline.push(prompt(1), 10, null);
    timeline.push(token(2, 3), 10, null);
    timeline.push(token(3, 4), 10, null);
    return timeline;
  };
  const shown = (timeline: Timeline) => timeline.shown?.frame.header.seq;

  it('is the newest, until it is paused; then others are kept and counted', () => {
    const timeline = three();
    expect(shown(timeline)).toBe(3);
    timeline.pause();
    timeline.push(token(4, 5), 10, null);
    timeline.push(token(5, 6), 10, null);
    expect(shown(timeline)).toBe(3);
    expect(timeline.state.value).toMatchObject({ kept: 5, at: 2, paused: true });
    timeline.resume();
    expect(shown(timeline)).toBe(5);
  });

  it('steps back and forth and stays within what is kept', () => {
    const timeline = three();
    timeline.step(-1);
    expect(shown(timeline)).toBe(2);
    timeline.step(-1);
    timeline.step(-1);
    expect(shown(timeline)).toBe(1);
    timeline.go(99);
    expect(shown(timeline)).toBe(3);
  });

  it('stays, paused, when another text begins, which is all that is left on resuming', () => {
    const timeline = three();
    timeline.pause();
    timeline.push(prompt(4, { tokens: ['One', ' two', ' three'] }), 10, null);
    expect(shown(timeline)).toBe(3);
    timeline.resume();
    expect(seqs(timeline)).toEqual([4]);
  });

  it('has the text up to its own token, and not beyond', () => {
    const timeline = three();
    timeline.go(1);
    const { shown } = timeline;
    expect(shown && tokensOf(shown)).toEqual(['When', ' Mary', ' and', ' John']);
  });

  it('has what was in force in its pass, also where the state comes later', () => {
    const { timeline } = open();
    const edit = { address: 'L0.mlp', how: 'zero', sentence: '', cut: true, python: '' };
    const before = sessionState();
    const after = { ...before, interventions: [edit] };
    timeline.push(prompt(1, { origin: 'clean' }), 10, before);
    timeline.push(prompt(2, { origin: 'run', interventions: 1 }), 10, before);
    expect(timeline.shown?.interventions).toBeNull();
    timeline.told(after, before);
    expect(timeline.shown?.interventions).toEqual([edit]);
    timeline.step(-1);
    expect(timeline.shown?.interventions).toEqual([]);
  });
});

it('says how many frames come a second, and none when none comes', () => {
  let now = 0;
  const { timeline } = open(undefined, () => now);
  for (let i = 0; i < 40; i++, now += 25) timeline.push(token(i, i + 3), 10, null);
  expect(timeline.state.value.rate).toBe(40);
  vi.advanceTimersByTime(1100);
  expect(timeline.state.value.rate).toBe(0);
});

describe('the columns of a text', () => {
  it('come from the frame that has each token', () => {
    const { timeline } = open();
    const [first, second, third] = [prompt(1), token(2, 3), token(3, 4)];
    for (const one of [first, second, third]) timeline.push(one, 10, null);
    const columns = columnsOf(timeline.moments, third, 1, 5).map((one) => one && [one.frame.header.seq, one.position]);
    expect(columns).toEqual([
      [1, 1],
      [1, 2],
      [2, 0],
      [3, 0],
    ]);
  });

  it('are missing where their frame was dropped', () => {
    const third = token(3, 4);
    const columns = columnsOf([], third, 3, 5);
    expect(columns).toEqual([null, { frame: third, position: 0 }]);
  });
});
