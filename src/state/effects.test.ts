import { describe, expect, it } from 'vitest';
import { architecture, recording } from '../fixtures';
import { settled } from '../fixtures/model';
import type { Effect } from '../wire/types.generated';
import { largest, limitOf } from './effects';
import { RecordedModel } from './recorded';
import { Session } from './session';

const row = (address: string, effect: number | null): Effect => ({
  address,
  effect,
  why: effect === null ? 'no' : null,
});

describe('effects', () => {
  it('are sorted by size, of either sign, without what has no number', () => {
    const rows = [row('a', 0.5), row('b', -2), row('c', null), row('d', 1)];
    expect(largest(rows, 2).map(({ address }) => address)).toEqual(['b', 'd']);
    expect(rows.map(({ address }) => address)).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    [[], 1],
    [[0], 1],
    [[-2.34], 5],
    [[0.3, -0.71], 1],
    [[0.02], 0.02],
    [[17.02], 20],
  ] as const)('%j have a scale that ends at %d', (values, limit) => {
    expect(limitOf(values.map((value) => row('a', value)))).toBeCloseTo(limit, 9);
  });
});

describe('a page without a kernel', () => {
  const gpt = architecture('gpt');
  const open = async () => {
    const model = new RecordedModel({ architecture: gpt, ...recording(gpt, ['L1.attn.H2', 'L0.mlp']) });
    const session = new Session(model, new AbortController().signal, { recorded: true });
    model.open();
    await settled();
    return session;
  };

  it('sweeps its recordings, and leaves its history as it is', async () => {
    const session = await open();
    session.sweep({ how: 'zero', metric: { name: 'logprob', tokens: [] }, scope: ['head', 'block'] });
    await settled();
    const { sweep } = session.page.value;
    // The recording has 0.918 for the clean run and 0.214 under zeros.
    const effect = Math.log(0.214) - Math.log(0.918);
    expect(sweep?.rows).toEqual([row('L1.attn.H2', effect), row('L0.mlp', effect)]);
    expect(sweep).toMatchObject({ metric: 'log-probability of Mary', unit: 'nats', running: false, total: 2 });
    expect(sweep?.python).toBe('session.sweep(["head", "block"])');
    expect(session.durable.value.state?.history.entries).toEqual([]);
  });

  it('takes what it was asked for, and says what it has no number of', async () => {
    const session = await open();
    session.sweep({ how: 'mean', metric: { name: 'kl', tokens: [] }, scope: ['block'] });
    await settled();
    expect(session.page.value.sweep?.rows).toEqual([row('L0.mlp', 1.15)]);
    expect(session.page.value.sweep?.python).toBe('session.sweep(["block"], how="mean", metric="kl")');
    session.sweep({ how: 'zero', metric: { name: 'logit', tokens: [99] }, scope: ['block'] });
    await settled();
    expect(session.page.value.sweep?.rows[0]?.effect).toBeNull();
    expect(session.page.value.sweep?.rows[0]?.why).toMatch(/not recorded/);
  });
});
