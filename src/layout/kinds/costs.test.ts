import { describe, expect, it } from 'vitest';
import { architecture, NAMES } from '../../fixtures';
import costs from '../../fixtures/costs.json';
import { layerOf } from '../model';
import { keptWidth, mixing, recurrence, stateSize } from './costs';

describe.each(NAMES)('costs of %s, added up over its blocks, are what Python says of the model:', (name) => {
  const { stacks } = architecture(name);
  const main = stacks.at(-1);
  const specs = main
    ? main.groups.flatMap((group) =>
        group.layers.flatMap((index) => layerOf(main, group, index).blocks.flatMap(({ spec }) => spec ?? [])),
      )
    : [];
  const attentions = specs.flatMap((spec) => (spec.kind === 'attention' ? [spec] : []));
  const mixers = specs.flatMap((spec) => (spec.kind === 'mixer' ? [spec] : []));
  const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0);
  const wanted = costs[name];

  it('the cache', () => {
    expect(2 * sum(attentions.map(keptWidth))).toBe(wanted.kept);
    expect(2 * sum(mixers.map(stateSize))).toBe(wanted.state);
  });

  it('mixing', () => {
    expect(sum(attentions.map(mixing)) + sum(mixers.map(recurrence))).toBe(wanted.mixing);
  });
});
