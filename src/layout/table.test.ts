import { expect, it } from 'vitest';
import { architecture } from '../fixtures';
import { tableOf } from './table';

it('has every block of every layer, and the heads of a small model', () => {
  const { rows, heads } = tableOf(architecture('gpt'));
  expect(heads).toBe(true);
  const addresses = rows.map(({ address }) => address);
  for (const layer of [0, 1, 2]) {
    for (const head of [0, 1, 2, 3]) expect(addresses).toContain(`L${layer}.attn.H${head}`);
    expect(addresses).toContain(`L${layer}.mlp`);
  }
  expect(addresses[0]).toBe('embed');
  expect(addresses.at(-1)).toBe('unembed');
  expect(new Set(addresses).size).toBe(addresses.length);
});

it('adds up to the parameters of the model', () => {
  const of = architecture('llama');
  const sum = tableOf(of).rows.reduce((all, { params, layers }) => all + (params ?? 0) * layers, 0);
  expect(sum).toBe(of.params.total);
});

it('leaves out heads, then layers that are alike, where there would be too many rows', () => {
  const of = structuredClone(architecture('gemma2'));
  const [stack] = of.stacks;
  expect(tableOf(of)).toMatchObject({ folded: false });
  stack?.groups.forEach((group, i) => {
    group.layers = Array.from({ length: 50_000 }, (_, k) => 2 * k + i);
    group.paths = group.layers.map(String);
  });
  const { rows, folded } = tableOf(of);
  expect(folded).toBe(true);
  expect(rows.length).toBeLessThan(40);
  expect(rows.find(({ address }) => address === 'L0.attn')?.layers).toBe(50_000);
});
