/** The diagram on the page: what it has in it, what a click and a key do, and how it is read. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, frameLayout, intervention, recordedFrame, sessionState } from './fixtures';
import { settled } from './fixtures/model';
import { ablated, show } from './fixtures/page';
import { tall } from './fixtures/tall';
import { recordedBuffers } from './wire/codec';

beforeEach(() => {
  document.body.replaceChildren();
});

describe('the diagram', () => {
  it('has every layer, block and head, each with its address', () => {
    const { el } = show();
    const addresses = [...el.querySelectorAll<HTMLElement>('.gb-hit')].map((node) => node.dataset.address);
    for (const layer of [0, 1, 2]) {
      expect(addresses).toContain(`L${layer}.mlp`);
      for (const head of [0, 1, 2, 3]) expect(addresses).toContain(`L${layer}.attn.H${head}`);
    }
    expect(addresses).toContain('embed');
    expect(addresses).toContain('unembed');
  });

  it('is filled by a frame, with the value in the cell', async () => {
    const { hit, frame } = show();
    expect(hit('L0.attn.H0').classList.contains('gb-measured')).toBe(false);
    await frame();
    expect(hit('L0.attn.H0').classList.contains('gb-measured')).toBe(true);
    expect(hit('L0.attn.H0').querySelector('.gb-value')?.textContent).toBe('5.0');
    expect(hit('L0.attn.H0').getAttribute('aria-label')).toBe('L0.attn.H0, norm 5.0');
  });

  it('says of a block how wide it is, and the stream that it reads', async () => {
    const { el, hit } = show();
    hit('L0.mlp').dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
    await vi.waitFor(() => expect(el.querySelector('.gb-tooltip')?.textContent).toContain('128 → 512 → 128'));
  });

  it('asks for an ablation at a click, marks it at once, and shows it when the kernel has done it', async () => {
    const { model, hit, find, frame } = show();
    await frame();
    hit('L1.attn.H2').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    expect(model.requests('ablate')[0]?.params).toEqual({ targets: ['L1.attn.H2'], how: 'zero' });
    expect(hit('L1.attn.H2').classList.contains('gb-pending')).toBe(true);
    model.become(ablated('L1.attn.H2'));
    await frame('L1.attn.H2');
    const cell = hit('L1.attn.H2');
    expect(cell.classList.contains('gb-pending')).toBe(false);
    expect(cell.classList.contains('gb-cut')).toBe(true);
    expect(cell.getAttribute('aria-checked')).toBe('true');
    expect(cell.getAttribute('aria-label')).toBe('L1.attn.H2, ablated: zero');
    expect(hit('L2.mlp').querySelector('.gb-changed')?.classList.contains('gb-on')).toBe(true);
    expect(hit('L0.mlp').querySelector('.gb-changed')?.classList.contains('gb-on')).toBe(false);
    expect(find('.gb-root').dataset.runId).toBe('2');
  });

  it('ablates with the mean when that is chosen, and restores what is ablated', async () => {
    const { model, hit, find } = show();
    find('[data-testid="how-mean"]').click();
    await settled();
    hit('L0.mlp').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(model.requests('ablate')[0]?.params).toEqual({ targets: ['L0.mlp'], how: 'mean' });
    model.become(ablated('L0.mlp', 'mean'));
    await settled();
    hit('L0.mlp').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(model.requests('restore')[0]?.params).toEqual({ targets: ['L0.mlp'] });
  });

  it('offers the kinds that the kernel has, each with its sentence', async () => {
    const { model, el, find, frame } = show();
    await frame();
    const names = [...find('.gb-ablate-with .gb-seg').querySelectorAll<HTMLElement>('button')].map(
      (node) => node.dataset.how,
    );
    expect(names).toEqual(['zero', 'mean', 'skip']);
    expect(find('[data-testid="how-skip"]').title).toBe('A layer returns the residual stream as it was given.');
    find('[data-testid="how-skip"]').click();
    el.querySelector('.gb-layer-name')?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    const layer = find('.gb-detail h2').textContent ?? '';
    expect(layer).toMatch(/^L\d$/);
    const ablate = find('.gb-detail button');
    expect(ablate.title).toBe(`${layer} returns the residual stream as it was given.`);
    ablate.click();
    expect(model.requests('ablate')[0]?.params).toEqual({ targets: [layer], how: 'skip' });
  });

  it('marks the step of a restored run as it marks the clean one', async () => {
    const { model, find, frame } = show();
    await frame();
    const before = ablated('L1.mlp');
    const restored = { label: 'restore L1.mlp', python: 'session.restore("L1.mlp")' };
    model.become(before);
    await settled();
    expect(find('.gb-steps-bar').classList.contains('gb-clean')).toBe(false);
    model.become({
      interventions: [],
      history: { entries: [...(before.history?.entries ?? []), restored], cursor: 2 },
    });
    await settled();
    expect(find('.gb-steps-bar').classList.contains('gb-clean')).toBe(true);
  });

  it('marks what is edited and not replaced without cutting it off', async () => {
    const { model, hit, frame } = show();
    await frame();
    const edited = ablated('L1.attn.H2', 'noise');
    model.become({ ...edited, interventions: [intervention('L1.attn.H2', 'noise', '', false)] });
    await frame('L1.attn.H2');
    const cell = hit('L1.attn.H2');
    expect(cell.classList.contains('gb-cut')).toBe(false);
    expect(cell.getAttribute('aria-checked')).toBe('true');
    expect(cell.getAttribute('aria-label')).toMatch(/^L1.attn.H2, edited: noise, norm /);
    expect(cell.querySelector('.gb-badge')?.classList.contains('gb-on')).toBe(true);
  });

  it('says all that is done to a block, and what each does', async () => {
    const { model, hit, find, frame } = show();
    await frame();
    const done = (how: string, sentence: string) => intervention('L1.mlp', how, sentence, false);
    const interventions = [done('scale', 'It is halved.'), done('noise', 'It gets noise.')];
    const edited = ablated('L1.mlp');
    if (!edited.run) throw new Error('the fixture has a run');
    model.become({ ...edited, interventions, run: { ...edited.run, interventions } });
    await frame('L1.mlp');
    expect(hit('L1.mlp').getAttribute('aria-label')).toMatch(/^L1.mlp, edited: scale, noise, norm /);
    expect(hit('L1.mlp').querySelector('.gb-badge')?.classList.contains('gb-several')).toBe(true);
    expect(find('[data-testid="ablations"]').textContent).toBe('2 edits');
    expect(find('th[data-col="ablated"]').textContent).toBe('edited');
    expect(find('.gb-legend-kinds').textContent).toBe('scalenoise');
    hit('L1.mlp').dispatchEvent(new MouseEvent('click', { bubbles: true, altKey: true }));
    await settled();
    const said = [...find('.gb-in-force').children].map((one) => one.textContent);
    expect(said).toEqual(['It is halved.', 'It gets noise.']);
    expect(find('.gb-detail button').title).toBe('restore it, without scale and noise');
  });

  it('says that a value is replaced at some tokens only', async () => {
    const { model, hit, find, frame } = show();
    await frame();
    const interventions = [intervention('L1.mlp', 'zero', '', false)];
    const edited = ablated('L1.mlp');
    if (!edited.run) throw new Error('the fixture has a run');
    model.become({ ...edited, interventions, run: { ...edited.run, interventions } });
    await frame('L1.mlp');
    expect(hit('L1.mlp').getAttribute('aria-label')).toMatch(/^L1.mlp, edited: zero at some tokens, norm /);
    expect(find('.gb-live').textContent).toBe('L1.mlp zeroed at some tokens: Mary 91.8 % to 21.4 %');
    const [top] = edited.run.candidates;
    if (!top) throw new Error('the fixture has a candidate');
    const candidates = [{ ...top, ablated: null, delta_prob: null, delta_logit: null }];
    model.become({ interventions, run: { ...edited.run, id: 3, interventions, candidates } });
    await settled();
    expect(find('.gb-live').textContent).toMatch(/^L1.mlp zeroed at some tokens: no prediction, /);
  });

  it('does not offer a kind for what it is not for', async () => {
    const { find, hit, frame } = show();
    await frame();
    find('[data-testid="how-skip"]').click();
    hit('L1.attn.H2').dispatchEvent(new MouseEvent('click', { bubbles: true, altKey: true }));
    await settled();
    const ablate = find('.gb-detail button') as HTMLButtonElement;
    expect(ablate.disabled).toBe(true);
    expect(ablate.title).toBe('skip is for layers, not for heads');
    expect(find('.gb-measured-list').textContent).toContain('skip is for layers, not for heads');
  });

  it('tells what is not finite from what is not read any more', async () => {
    const { model, find, hit } = show();
    const layout = frameLayout(architecture('gpt'));
    const broken = recordedFrame(layout);
    const buffers = recordedBuffers(broken);
    const row = layout.sites.findIndex((site) => site.address === 'L1.mlp');
    const { positions } = broken.header;
    const stats = new Float32Array(buffers[0]?.buffer ?? new ArrayBuffer(0));
    const at = (row * positions + positions - 1) * layout.stats.length;
    stats.fill(Number.NaN, at, at + layout.stats.length);
    stats[at + layout.stats.indexOf('nonfinite')] = 128;
    model.emit('msg:custom', { ...broken.header, first_nonfinite: 'L1.mlp' }, buffers);
    model.become({ unread: { 'L0.mlp': 'L0.mlp is not read any more.' } });
    await settled();
    const words = (address: string) => hit(address).closest('.gb-block')?.querySelector('.gb-words')?.textContent;
    expect(words('L1.mlp')).toBe('not finite');
    expect(hit('L1.mlp').querySelector('.gb-number')?.textContent).toBe('NaN');
    expect(hit('L1.mlp').getAttribute('aria-label')).toBe('L1.mlp, not finite');
    expect(words('L0.mlp')).toBe('not read any more');
    const { run } = sessionState();
    if (!run) throw new Error('the fixture has a run');
    model.become({ run: { ...run, candidates: [] } });
    await settled();
    expect(find('.gb-next .gb-empty').textContent).toBe('No prediction: not all logits are finite numbers.');
  });

  it('keeps its nodes when values change', async () => {
    const { model, hit, frame } = show();
    await frame();
    const before = hit('L1.attn.H2');
    model.become(ablated('L1.attn.H2'));
    await frame('L1.attn.H2');
    expect(hit('L1.attn.H2')).toBe(before);
  });

  it('shows what is known of a block without ablating it, at a click with Alt or Enter with Shift', async () => {
    const { model, hit, find } = show();
    hit('L1.attn').dispatchEvent(new MouseEvent('click', { bubbles: true, altKey: true }));
    await settled();
    expect(find('.gb-detail h2').textContent).toBe('L1.attn');
    hit('L0.mlp').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', shiftKey: true, bubbles: true }));
    await settled();
    expect(find('.gb-detail h2').textContent).toBe('L0.mlp');
    expect(model.sent.filter((one) => JSON.stringify(one).includes('ablate'))).toEqual([]);
  });

  it('leaves nothing of a box behind where there is room again for heads over a wire', async () => {
    let width = 320;
    let resized = () => {};
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockImplementation(() => width);
    vi.stubGlobal(
      'ResizeObserver',
      class {
        constructor(act: () => void) {
          resized = act;
        }
        observe() {}
        disconnect() {}
      },
    );
    const { hit, find, frame } = show();
    await frame();
    const text = (name: string) => hit('L0.attn').querySelector(`:scope > .${name}`)?.textContent;
    const form = () => find('.gb-block[data-form]').dataset.form;
    expect(form()).toBe('box');
    expect(text('gb-number')).not.toBe('');
    width = 1100;
    resized();
    await settled();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    expect(form()).toBe('bus');
    expect([text('gb-number'), text('gb-line')]).toEqual(['', '']);
  });

  it('is read layer by layer, each with its blocks and their heads', () => {
    const { el, find } = show();
    const owned = find('[role="tree"]').getAttribute('aria-owns')?.split(' ') ?? [];
    const read = owned.map((id) => el.querySelector<HTMLElement>(`[id="${id}"]`)?.dataset.address);
    const from = read.indexOf('L1');
    const until = read.indexOf('L0');
    const within = ['L1.attn', 'L1.attn.H0', 'L1.attn.H1', 'L1.attn.H2', 'L1.attn.H3', 'L1.mlp'];
    expect(read.slice(from, until).sort()).toEqual(['L1', ...within]);
    expect(read.length).toBe(el.querySelectorAll('[role="treeitem"]').length);
    expect(find('[role="tree"] [role="slider"]')).toBeNull();
  });

  it('without a model selects at a click and asks for nothing', async () => {
    const { model, hit, find } = show(architecture('deepseek_v3'), null);
    hit('L3.attn').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    expect(model.sent).toEqual([]);
    expect(find('.gb-detail').textContent).toContain('model.layers.3.self_attn');
    expect(find('.gb-detail').textContent).toContain('187,107,328');
  });

  it('is at its end at the last layer, also where a cell stands for many', async () => {
    const { find } = show(tall(), null);
    find('.gb-strip').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    await settled();
    const [most, now] = ['aria-valuemax', 'aria-valuenow'].map((name) => Number(find('.gb-strip').getAttribute(name)));
    expect(now).toBeGreaterThan(99_000);
    expect(now).toBe(most);
  });

  it('binds a card to the layer that is clicked in the strip', async () => {
    const { find, hit } = show(architecture('deepseek_v3'), null);
    find('[data-layer="L17"]').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    expect(hit('L17.moe')).not.toBeNull();
    expect(find('.gb-strip').getAttribute('aria-valuetext')).toBe('L17, MoE layer');
  });
});

describe('the keyboard', () => {
  it('reaches one item with Tab and moves with arrows', () => {
    const { el, hit, press } = show();
    expect(el.querySelectorAll('.gb-hit[tabindex="0"]')).toHaveLength(1);
    hit('L1.attn.H1').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    press('L1.attn.H1', 'ArrowRight');
    expect(document.activeElement).toBe(hit('L1.attn.H2'));
    expect(el.querySelectorAll('.gb-hit[tabindex="0"]')).toHaveLength(1);
  });

  it.each(['Enter', 'x'])('ablates with %j', (key) => {
    const { model, press } = show();
    press('L1.attn.H1', key);
    expect(model.requests('ablate')[0]?.params).toEqual({ targets: ['L1.attn.H1'], how: 'zero' });
  });

  it('keeps its keys from the notebook and leaves it all others', () => {
    const { el, press } = show();
    const outside = vi.fn();
    el.addEventListener('keydown', outside);
    expect(press('L0.mlp', 'x').defaultPrevented).toBe(true);
    expect(press('L0.mlp', 'ArrowUp').defaultPrevented).toBe(true);
    expect(outside).not.toHaveBeenCalled();
    expect(el.querySelector('.gb-root')?.hasAttribute('data-lm-suppress-shortcuts')).toBe(true);
    expect(press('L0.mlp', 'F5').defaultPrevented).toBe(false);
    expect(outside).toHaveBeenCalledTimes(1);
  });

  it('clears the selection with Escape', async () => {
    const { hit, press } = show();
    press('L0.mlp', 'Enter');
    await settled();
    expect(hit('L0.mlp').getAttribute('aria-selected')).toBe('true');
    press('L0.mlp', 'Escape');
    await settled();
    expect(hit('L0.mlp').getAttribute('aria-selected')).toBe('false');
  });
});
