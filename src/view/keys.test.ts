import { describe, expect, it } from 'vitest';
import { architecture } from '../fixtures';
import { layoutScene } from '../layout';
import { linesOf, move } from './keys';

const measure = (text: string, px: number) => text.length * px * 0.6;
const lines = linesOf(layoutScene(architecture('gpt'), { width: 592, live: true, bound: {}, measure }));
const go = (from: string, ...keys: string[]) => keys.reduce((at, key) => move(lines, at, key)?.key ?? at, from);

describe('walking the diagram', () => {
  it('goes along the heads and stops at the last, then crosses the stream', () => {
    expect(go('L1/attn.H0', 'ArrowRight', 'ArrowRight')).toBe('L1/attn.H2');
    expect(go('L1/attn.H3', 'ArrowRight')).toBe('L1/mlp');
    expect(go('L1/attn.H3', 'Home')).toBe('L1/attn.H0');
    expect(go('L1/attn.H0', 'End')).toBe('L1/attn.H3');
  });

  it('goes up the stream and keeps the column', () => {
    expect(go('L0/attn.H0', 'ArrowUp')).toBe('L0/attn');
    expect(go('L0/mlp', 'ArrowUp')).toBe('L1/mlp');
    expect(go('L2/mlp', 'ArrowUp')).toBe('unembed');
  });

  it('reaches every item from the first', () => {
    const reached = new Set<string>();
    const queue = [lines[0]?.[0]?.key ?? ''];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (reached.has(at)) continue;
      reached.add(at);
      for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']) {
        const next = move(lines, at, key)?.key;
        if (next !== undefined) queue.push(next);
      }
    }
    const all = lines.flat().map((item) => item.key);
    expect(all.filter((key) => !reached.has(key))).toEqual([]);
  });

  it('goes nowhere from the edge, and to the first item from an unknown one', () => {
    expect(move(lines, 'unembed', 'ArrowUp')).toBeNull();
    expect(move(lines, 'nothing', 'ArrowUp')?.key).toBe('unembed');
  });
});
