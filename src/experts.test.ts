import { beforeEach, describe, expect, it } from 'vitest';
import { architecture, frameLayout, sessionState } from './fixtures';
import { frameHeader, routedStats } from './fixtures/frame';
import { settled } from './fixtures/model';
import { mounted } from './fixtures/page';
import type { Frame, FrameLayout, SessionState } from './wire/types.generated';

const TOKENS = ['def', ' fib', '(', 'n'];
const KINDS = [{ name: 'zero', sign: '0', sentences: { expert: 'The routing weight of {address} is set to zero.' } }];

/** A frame in which each token goes to two experts, with weights ¾ and ¼. */
function frameOf(
  layout: FrameLayout,
  to: (position: number) => readonly [number, number],
  header: Partial<Frame> = {},
) {
  const positions = header.positions ?? TOKENS.length;
  const stats = routedStats(layout, positions, 1, (_, expert, position) => {
    const [first, second] = to(position);
    return expert === first ? 0.75 : expert === second ? 0.25 : 0;
  });
  const updates = new Float32Array(layout.updates.length * positions * 2);
  const whole = frameHeader({ tokens: TOKENS, ...header, positions });
  return { header: whole, buffers: [new DataView(stats.buffer), new DataView(updates.buffer)] };
}

function show(name: 'mixtral' | 'gpt' = 'mixtral', state: Partial<SessionState> = {}) {
  const of = architecture(name);
  const layout = frameLayout(of);
  const { model, el, find } = mounted(of, { ...sessionState(), kinds: KINDS, ...state });
  model.reply('hello');
  const send = async (...of: Parameters<typeof frameOf> extends [FrameLayout, ...infer R] ? R : never) => {
    const { header, buffers } = frameOf(layout, ...of);
    model.emit('msg:custom', header, buffers);
    await settled();
  };
  const press = async (key: string) => {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
    find('.gb-ex-cell').dispatchEvent(event);
    await settled();
    return event;
  };
  const open = async () => {
    find('button[data-stage="experts"]').click();
    await settled();
  };
  const fact = (name: string) =>
    [...el.querySelectorAll('.gb-expert-facts > div')].find((row) => row.firstChild?.textContent === name)?.lastChild
      ?.textContent;
  return { model, el, find, send, press, open, fact };
}

beforeEach(() => {
  document.body.replaceChildren();
});

describe('the switch of stages', () => {
  it('is there for a mixture of experts, and shows what is chosen and nothing else', async () => {
    const { el, find, open } = show();
    const shown = (selector: string) => el.querySelector(selector)?.closest('.gb-off-stage') === null;
    expect(find('.gb-stages').hidden).toBe(false);
    expect([shown('.gb-experts'), shown('.gb-stage')]).toEqual([false, true]);
    await open();
    expect([shown('.gb-experts'), shown('.gb-stage')]).toEqual([true, false]);
    expect(find('button[data-stage="experts"]').getAttribute('aria-checked')).toBe('true');
  });

  it('offers no experts where there are none', () => {
    const { el } = show('gpt');
    expect(el.querySelector('button[data-stage="experts"]')).toBeNull();
  });
});

describe('the selected expert', () => {
  it('has its numbers: tokens, load over the even share, rank, mean weight', async () => {
    const { find, send, open, fact, press } = show();
    await send((position) => (position < 3 ? [5, 2] : [2, 1]));
    await open();
    await press('Home');
    for (let i = 0; i < 5; i++) await press('ArrowRight');
    expect(find('.gb-expert-name').textContent).toBe('L1.moe.E5');
    expect(fact('Tokens')).toBe('3 of 4 (75 %)');
    // Eight experts and two for each token: the even share is a quarter.
    expect(fact('Load')).toBe('3.0 × even share');
    expect(fact('Rank in layer')).toBe('2 of 8');
    expect(fact('Mean weight')).toBe('0.75');
    expect(find('[data-testid="experts-over"]').textContent).toBe('Over the 4 tokens of this run.');
  });

  it('is said when a key moves to it, and its row and column with it', async () => {
    const { find, send, open, press } = show();
    await send(() => [0, 1]);
    await open();
    await press('Home');
    expect((await press('ArrowUp')).defaultPrevented).toBe(true);
    const words = 'L2.moe.E0, load 4.0 times the even share, 4 of 4 tokens';
    expect(find('.gb-live').textContent).toBe(words);
    expect(find('.gb-ex-cell').getAttribute('aria-label')).toBe(words);
    expect(find('.gb-ex-cell').getAttribute('aria-colindex')).toBe('1');
    expect(find('[role="grid"]').getAttribute('aria-rowcount')).toBe('3');
    await press('End');
    expect(find('.gb-live').textContent).toBe('L2.moe.E7, no token of 4');
  });

  it('is ablated with its key, and with its button', async () => {
    const { model, find, send, open, press } = show();
    await send(() => [3, 4]);
    await open();
    await press('x');
    expect(model.requests('ablate').at(-1)?.params).toEqual({ targets: ['L1.moe.E3'], how: 'zero' });
    model.reply('ablate');
    model.become({
      interventions: [{ address: 'L1.moe.E3', how: 'zero', sentence: 'Zeroed.', cut: true, python: '' }],
    });
    await settled();
    expect(find('[data-testid="expert-action"]').textContent).toBe('Restore');
    find('[data-testid="expert-action"]').click();
    expect(model.requests('restore').at(-1)?.params).toEqual({ targets: ['L1.moe.E3'] });
  });
});

it('says who took over, against the clean run of the same tokens', async () => {
  const { model, find, send, open, fact } = show();
  await send(() => [3, 4]);
  await open();
  model.become({ interventions: [{ address: 'L0.moe.E3', how: 'zero', sentence: 'Zeroed.', cut: true, python: '' }] });
  await send((position) => (position === 0 ? [6, 4] : [3, 4]), { seq: 2, origin: 'run', interventions: 1 });
  expect(find('.gb-ex-moved').textContent).toBe('took over: E6 +1');
  expect(fact('Against clean')).toBe('−1 token');
});

it('counts on while a sequence is written, and says of what', async () => {
  const { find, send, open, fact } = show();
  await send(() => [3, 4], { origin: 'generate' });
  await open();
  await send(() => [3, 7], { seq: 2, origin: 'generate', first: 4, positions: 1, tokens: [')'] });
  expect(fact('Tokens')).toBe('5 of 5 (100 %)');
  expect(find('[data-testid="experts-over"]').textContent).toBe('Over the 5 tokens of this sequence so far.');
  await send(() => [0, 1], { seq: 3, origin: 'clean' });
  expect(fact('Tokens')).toBe('0 of 4 (0 %)');
});

it('counts what a page was too slow for when it comes', async () => {
  const { send, open, fact } = show();
  await send(() => [3, 4], { origin: 'generate' });
  await open();
  await send(() => [3, 7], { seq: 3, origin: 'generate', first: 5, positions: 1, tokens: [')'] });
  expect(fact('Tokens')).toBe('5 of 5 (100 %)');
  await send(() => [1, 7], { seq: 2, origin: 'generate', first: 4, positions: 1, tokens: [' x'] });
  expect(fact('Tokens')).toBe('5 of 6 (83 %)');
});

it('has the selected layer as a table, which is built when it is opened', async () => {
  const { find, el, send, open } = show();
  await send(() => [3, 4]);
  await open();
  expect(el.querySelectorAll('.gb-ex-table tbody tr')).toHaveLength(0);
  (find('.gb-ex-table') as HTMLDetailsElement).open = true;
  find('.gb-ex-table').dispatchEvent(new Event('toggle'));
  const rows = [...el.querySelectorAll('.gb-ex-table tbody tr')].map((row) =>
    [...row.children].map((one) => one.textContent),
  );
  expect(rows).toHaveLength(8);
  expect(rows[3]?.slice(0, 5)).toEqual(['E3', '4', '100 %', '4.0 ×', '0.75']);
  expect(rows[0]?.slice(0, 5)).toEqual(['E0', '0', '0 %', '0 ×', '–']);
});

it('shows the layer of a mixture that is selected beside the diagram', async () => {
  const { model, find, send, el } = show();
  await send(() => [3, 4]);
  expect(find('.gb-ex-brief').hidden).toBe(true);
  el.querySelector('.gb-hit[data-address="L0.moe.E3"]')?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  model.reply('ablate');
  await settled();
  expect(find('.gb-ex-brief').hidden).toBe(false);
  expect(find('.gb-ex-brief').textContent).toContain('Entropy 1.00 of at most 3.0 bits');
  expect(find('.gb-ex-brief').textContent).toContain('even share, 25 %');
});
