import { describe, expect, it } from 'vitest';
import { architecture, recording } from '../fixtures';
import { settled } from '../fixtures/model';
import { RecordedModel, readPage } from './recorded';
import { Session } from './session';

const gpt = architecture('gpt');

async function open(addresses = ['L1.attn.H2', 'L0.mlp']) {
  const model = new RecordedModel({ architecture: gpt, ...recording(gpt, addresses) });
  const session = new Session(model, new AbortController().signal, { recorded: true });
  model.open();
  await settled();
  return session;
}

const state = (session: Session) => session.durable.value.state;

describe('a page without a kernel', () => {
  it('shows the clean run and says that it is a recording', async () => {
    const session = await open();
    expect(session.page.value.connection).toBe('recorded');
    expect(session.page.value.clean).not.toBeNull();
    expect(state(session)?.run?.kl).toBeNull();
  });

  it('answers a click with the run and the frame that were recorded', async () => {
    const session = await open();
    session.toggle('L1.attn.H2', 'zero');
    await settled();
    expect(state(session)?.interventions).toMatchObject([{ address: 'L1.attn.H2', how: 'zero' }]);
    expect(state(session)?.run?.candidates[0]?.ablated?.prob).toBe(0.214);
    expect(session.page.value.frame?.header.interventions).toBe(1);
    expect(state(session)?.history.entries.at(-1)?.python).toBe('session.ablate("L1.attn.H2", how="zero")');
  });

  it('knows what it cannot do before it is asked', async () => {
    const session = await open();
    expect(state(session)?.unavailable.L1).toMatch(/not recorded in this page/);
    expect(state(session)?.unavailable['L0.mlp']).toBeUndefined();
  });

  it('takes a second ablation in the place of the first and says so', async () => {
    const session = await open();
    session.toggle('L1.attn.H2', 'zero');
    await settled();
    session.toggle('L0.mlp', 'mean');
    await settled();
    expect(state(session)?.interventions).toMatchObject([{ address: 'L0.mlp', how: 'mean' }]);
    expect(session.page.value.alert).toBeNull();
    expect(session.page.value.note).toMatch(/L0.mlp takes the place of L1.attn.H2/);
  });

  it('undoes, redoes and restores', async () => {
    const session = await open();
    session.toggle('L1.attn.H2', 'zero');
    await settled();
    await session.undo();
    expect(state(session)?.interventions).toEqual([]);
    expect(state(session)?.run?.candidates[0]?.ablated).toBeNull();
    await session.redo();
    expect(state(session)?.interventions).toHaveLength(1);
    session.restoreAll();
    await settled();
    expect(state(session)?.interventions).toEqual([]);
    expect(state(session)?.history).toMatchObject({ cursor: 2 });
  });

  it('gives each picture a run id of its own', async () => {
    const session = await open();
    const ids = [state(session)?.run?.id];
    session.toggle('L1.attn.H2', 'zero');
    await settled();
    ids.push(state(session)?.run?.id);
    await session.undo();
    ids.push(state(session)?.run?.id);
    expect(new Set(ids).size).toBe(3);
  });

  it.each([
    ['generate', (session: Session) => session.generate('When'), /no model, so it cannot generate/],
    ['another prompt', (session: Session) => session.run('Hello'), /the run of one prompt/],
    [
      'what was not recorded',
      (session: Session) => session.toggle('L2.mlp', 'zero'),
      /L2.mlp cannot be ablated: it was not recorded in this page/,
    ],
  ])('refuses in words: %s', async (_, act, words) => {
    const session = await open();
    act(session);
    await settled();
    expect(session.page.value.alert).toMatch(words);
    expect(session.page.value.alert).toMatch(/Open the notebook/);
  });
});

it('a page without data says so', () => {
  expect(() => readPage(' ')).toThrow(/no data/);
  expect(() => readPage('{}')).toThrow(/no architecture/);
});
