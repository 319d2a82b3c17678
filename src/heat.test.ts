import { beforeEach, expect, it } from 'vitest';
import { architecture, recording } from './fixtures';
import { settled } from './fixtures/model';
import { RecordedModel } from './state/recorded';
import { makeWidget } from './widget';

const gpt = architecture('gpt');
const PROMPT = Array.from({ length: 1200 }, (_, i) => `t${i}`);

/** A page without a kernel whose frames hold the last tokens of a prompt, or all that there are. */
async function open({ whole }: { whole: boolean }) {
  const data = recording(gpt, ['L0.mlp']);
  const { frame, state } = data.recording;
  const own = frame.header.positions;
  const header = { ...frame.header, first: whole ? 0 : PROMPT.length - own };
  if (state.run) state.run = { ...state.run, tokens: PROMPT };
  const model = new RecordedModel({
    architecture: gpt,
    ...data,
    recording: { ...data.recording, state, frame: { ...frame, header } },
  });
  const widget = makeWidget({ recorded: true });
  widget.initialize({ model });
  const el = document.body.appendChild(document.createElement('div'));
  widget.render({ model, el });
  model.open();
  await settled();
  return { own, missing: el.querySelector<HTMLElement>('[data-testid=heat-missing]') };
}

beforeEach(() => document.body.replaceChildren());

it('a page that keeps the last tokens says where the values of the others would be that it has none', async () => {
  const { own, missing } = await open({ whole: false });
  expect(missing?.hidden).toBe(false);
  expect(missing?.textContent).toBe(
    `This page keeps the values of the last ${own} tokens of 1,200, to stay small. Open the notebook for the others.`,
  );
});

it('a page that keeps all of them says nothing', async () => {
  expect((await open({ whole: true })).missing?.hidden).toBe(true);
});
