/** How long layouts take: the largest of all architectures, and well-known ones of each kind. `npm run bench`. */
import { bench, describe } from 'vitest';
import { oneOf } from '../fixtures/every';
import { layoutScene } from './index';

const options = { width: 752, bound: {}, measure: (text: string, px: number) => text.length * px * 0.6 };
const NAMES = [
  'gallery-gpt2',
  'gallery-deepseek-v3',
  'gallery-qwen3-next-80b-a3b',
  'gallery-t5-11b',
  'gallery-gemma-3-27b',
  'causal-gemma3n_text-Gemma3nForCausalLM',
  'causal-beam-BeamForCausalLM',
];

describe.each([true, false])('again, at another width or with another block opened; live: %s', (live) => {
  for (const name of NAMES) {
    const of = oneOf(name);
    bench(name, () => void layoutScene(of, { ...options, live }), { time: 400 });
  }
});

/** What is known of an architecture is remembered with it: each of these is new. */
describe.each([true, false])('for the first time; live: %s', (live) => {
  for (const name of NAMES) {
    const copies = Array.from({ length: 40 }, () => structuredClone(oneOf(name)));
    const first = () => {
      const of = copies.pop();
      if (!of) throw new Error('expected as many copies as are laid out');
      layoutScene(of, { ...options, live });
    };
    bench(name, first, { time: 0, iterations: 25, warmupTime: 0, warmupIterations: 10 });
  }
});
