import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, frameLayout, intervention, recordedFrame, sessionState } from './fixtures';
import { FakeModel, settled } from './fixtures/model';
import { makeWidget } from './widget';
import { recordedBuffers } from './wire/codec';
import type { Architecture, SessionState } from './wire/types.generated';

function show(
  of: Architecture = architecture('gpt'),
  state: SessionState | null = sessionState(),
  options: { recorded?: boolean } = {},
) {
  const layout = state ? frameLayout(of) : null;
  const model = new FakeModel({ architecture: of, frame_layout: layout, state });
  const widget = makeWidget(options);
  const controller = new AbortController();
  widget.initialize({ model, signal: controller.signal });
  const el = document.body.appendChild(document.createElement('div'));
  widget.render({ model, el, signal: controller.signal });
  const find = (selector: string) => el.querySelector(selector) as HTMLElement;
  const hit = (address: string) => find(`.gb-hit[data-address="${address}"]`);
  const frame = async (from: string | null = null) => {
    if (!layout) return;
    const recorded = recordedFrame(layout, from, 1.5);
    model.emit('msg:custom', recorded.header, recordedBuffers(recorded));
    await settled();
  };
  const press = (address: string, key: string) => {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
    hit(address).dispatchEvent(event);
    return event;
  };
  return { model, widget, el, find, hit, frame, press, controller };
}

const ablated = (address: string, how = 'zero'): Partial<SessionState> => {
  const before = sessionState();
  const [top] = before.run?.candidates ?? [];
  if (!before.run || !top) throw new Error('the fixture has a run');
  const moved = { ...top, ablated: { prob: 0.214, logit: 2, rank: 2 }, delta_prob: -0.704, delta_logit: -2.94 };
  return {
    interventions: [intervention(address, how)],
    history: { entries: [{ label: `${how} ${address}`, python: `session.ablate("${address}")` }], cursor: 1 },
    run: {
      ...before.run,
      id: 2,
      kl: 1.15,
      candidates: [moved],
      interventions: [intervention(address, how)],
    },
  };
};

beforeEach(() => {
  document.body.replaceChildren();
});
afterEach(() => {
  vi.useRealTimers();
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

describe('the panel', () => {
  it('shows what the model would say, clean and ablated', async () => {
    const { model, find } = show();
    model.become(ablated('L1.attn.H2'));
    await settled();
    const cell = (column: string) => find(`[data-testid="candidates"] tr[data-token="Mary"] [data-col="${column}"]`);
    expect(cell('clean').textContent).toBe('91.8 %');
    expect(cell('clean').dataset.value).toBe('0.918');
    expect(cell('ablated').textContent).toBe('21.4 %');
    expect(cell('delta-prob').textContent).toBe('−70.4 pt');
    expect(cell('delta-logit').textContent).toBe('−2.94');
    expect(cell('rank').textContent).toBe('1 → 2 ▼');
    expect(find('[data-testid="kl"]').textContent).toBe('1.15 nats');
    expect(find('[data-testid="python-line"]').textContent).toBe('session.ablate("L1.attn.H2")');
    expect(find('.gb-live').textContent).toBe('L1.attn.H2 zeroed: Mary 91.8 % to 21.4 %');
  });

  it('offers nothing to run where nothing can run', async () => {
    const { find } = show(undefined, undefined, { recorded: true });
    await settled();
    for (const name of ['run', 'generate', 'stop']) expect(find(`[data-testid="${name}"]`).hidden).toBe(true);
    expect((find('[data-testid="prompt"]') as HTMLInputElement).readOnly).toBe(true);
    expect(find('.gb-example')).toBeNull();
  });

  it('sends the prompt, generates, stops, undoes', async () => {
    const { model, find } = show();
    const prompt = find('[data-testid="prompt"]') as HTMLInputElement;
    prompt.value = 'Hello there';
    find('form').dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
    find('[data-testid="generate"]').click();
    expect(model.requests('run')[0]?.params).toEqual({ prompt: 'Hello there' });
    expect(model.requests('generate')[0]?.params).toMatchObject({ prompt: 'Hello there' });
    model.become({ ...ablated('L0.mlp'), status: 'generating' });
    await settled();
    find('[data-testid="stop"]').click();
    find('[data-testid="undo"]').click();
    find('[data-testid="restore-all"]').click();
    expect(model.requests('stop')).toHaveLength(1);
    expect(model.requests('undo')).toHaveLength(1);
    expect(model.requests('restore')[0]?.params).toEqual({ targets: [] });
  });

  it('leaves what a person types when the state comes again', async () => {
    const { model, find } = show();
    const prompt = find('[data-testid="prompt"]') as HTMLInputElement;
    prompt.value = 'half a sent';
    model.become({ status: 'idle' });
    await settled();
    expect(prompt.value).toBe('half a sent');
  });

  it('says failures in an alert that can be dismissed', async () => {
    const { model, find } = show();
    find('[data-testid="generate"]').click();
    model.reply('generate', { kind: 'PromptError', message: 'the prompt has 80 tokens, and 64 fit' });
    await settled();
    const alert = find('[data-testid="alert"]');
    expect(alert.getAttribute('role')).toBe('alert');
    expect(alert.hidden).toBe(false);
    expect(alert.textContent).toContain('64 fit');
    alert.querySelector('button')?.click();
    await settled();
    expect(alert.hidden).toBe(true);
  });

  it('puts a problem of the kernel away when it is dismissed, and shows the next', async () => {
    const { model, find } = show();
    const alert = find('[data-testid="alert"]');
    model.become({ problem: 'L1.mlp could not be read' });
    await settled();
    expect(alert.hidden).toBe(false);
    alert.querySelector('button')?.click();
    await settled();
    expect(alert.hidden).toBe(true);
    model.become({ problem: 'L1.attn could not be read' });
    await settled();
    expect(alert.hidden).toBe(false);
    expect(alert.textContent).toContain('L1.attn could not be read');
  });

  it('says what is not read any more where it is looked at', async () => {
    const { model, el, find } = show();
    model.become({ unread: { 'L1.mlp': 'L1.mlp is not read any more, because that failed.' } });
    el.querySelector<HTMLElement>('.gb-hit[data-address="L1.mlp"]')?.dispatchEvent(
      new MouseEvent('click', { bubbles: true, altKey: true }),
    );
    await settled();
    expect(find('.gb-detail').textContent).toContain('L1.mlp is not read any more, because that failed.');
  });

  it('says that the kernel is gone and disables what needs it', async () => {
    const { model, find } = show();
    model.emit('comm:close');
    await settled();
    expect(find('[data-testid="banner"]').hidden).toBe(false);
    expect(find('[data-testid="banner"]').textContent).toMatch(/kernel is gone.*last picture/i);
    for (const name of ['prompt', 'run', 'generate', 'stop', 'undo', 'restore-all']) {
      expect((find(`[data-testid="${name}"]`) as HTMLButtonElement).disabled, name).toBe(true);
    }
  });
});

describe('the picture of a page', () => {
  const saved = async (press: () => void) => {
    const files: Blob[] = [];
    vi.stubGlobal('URL', { createObjectURL: (file: Blob) => `blob:${files.push(file)}`, revokeObjectURL: () => {} });
    const names: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      names.push(this.download);
    });
    press();
    const texts = await Promise.all(files.map((file) => file.text()));
    vi.unstubAllGlobals();
    return { names, texts };
  };
  const choose = (find: (selector: string) => HTMLElement) => {
    find('[data-testid="export"]').click();
    find('.gb-menu [role="menuitem"]').click();
  };

  beforeEach(() => {
    const style = document.createElement('style');
    style.textContent = ['base', 'diagram', 'hits']
      .map((name) => readFileSync(`src/style/${name}.css`, 'utf8'))
      .join('');
    document.head.replaceChildren(style);
  });

  it('has the layers that the cards show', async () => {
    const of = architecture('deepseek_v3');
    const { find } = show(of, null);
    find('[data-layer="L17"]').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    const { names, texts } = await saved(() => choose(find));
    expect(names).toEqual(['DeepseekV3ForCausalLM.svg']);
    const [picture = ''] = texts;
    expect(picture.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
    expect(picture).toContain('data-address="L17.moe.E255"');
    expect(picture).not.toContain('data-address="L3.moe"');
    expect(picture).not.toContain('var(');
  });

  it('has what a live model predicts, and what is done to it', async () => {
    const { find, model, frame } = show();
    const { interventions = [], ...rest } = ablated('L1.attn.H2');
    model.become({ ...rest, interventions: interventions.map((one) => ({ ...one, sentence: 'H2 is replaced.' })) });
    await frame('L1.attn.H2');
    const [picture = ''] = (await saved(() => choose(find))).texts;
    const said = [...picture.matchAll(/<text[^>]*>([^<]*)/g)].map(([, words]) => words);
    expect(said).toContain('H2 is replaced.');
    expect(said).toContain('21.4 %');
    expect(said).toContain('Next token, KL 1.15 nats');
    expect(picture).toMatch(/data-address="L1\.attn\.H2">\s*<rect[^>]*fill="url\(#gb-hatch\)"/);
  });

  it('comes with the page itself, which the kernel makes for who asks', async () => {
    const { find, model } = show();
    find('[data-testid="export"]').click();
    const item = [...find('.gb-menu').querySelectorAll('button')].find((node) => node.textContent?.startsWith('Page'));
    item?.click();
    const [asked] = model.requests('save');
    const told = (id: number, more: object, buffers: DataView[] = []) =>
      model.emit(
        'msg:custom',
        { type: 'saved', id, name: 'gpt.html', done: 3, total: 8, running: true, ...more },
        buffers,
      );
    told(asked?.id ?? 0, {});
    await settled();
    expect(find('[data-testid="export"]').textContent).toContain('3 of 8');
    const { names, texts } = await saved(() => {
      const text = new DataView(new TextEncoder().encode('<p>it</p>').buffer);
      told((asked?.id ?? 0) + 1, { running: false }, [text]); // another page's
      told(asked?.id ?? 0, { running: false, done: 8 }, [text]);
    });
    expect([names, texts]).toEqual([['gpt.html'], ['<p>it</p>']]);
    await settled();
    expect(find('[data-testid="export"]').textContent).toContain('Export');
  });

  it('is chosen with the keyboard alone', async () => {
    const { find } = show();
    const button = find('[data-testid="export"]');
    const press = (key: string) =>
      (document.activeElement ?? button).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    button.focus();
    press('ArrowDown');
    const items = [...find('.gb-menu').children];
    expect(document.activeElement).toBe(items[0]);
    press('ArrowUp');
    expect(document.activeElement).toBe(items.at(-1));
    press('Home');
    press('Escape');
    expect(find('.gb-menu').hidden).toBe(true);
    expect(document.activeElement).toBe(button);
  });

  it('has a name that every file system takes', async () => {
    const of = architecture('gpt');
    of.name = '../a/b: <c>';
    const { find } = show(of, null);
    expect((await saved(() => choose(find))).names).toEqual(['a-b-c.svg']);
  });
});

describe('a page', () => {
  it('takes names as text, whatever they are', () => {
    const of = architecture('gpt');
    of.name = '<img src=x onerror=alert(1)>';
    const { el } = show(of, null);
    expect(el.querySelector('img')).toBeNull();
    expect(el.querySelector('h1')?.textContent).toBe(of.name);
  });

  it('holds several widgets without shared ids', () => {
    show();
    show();
    const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows one session in several views that change together', async () => {
    const { model, widget, el } = show();
    const second = document.body.appendChild(document.createElement('div'));
    widget.render({ model, el: second, signal: new AbortController().signal });
    expect(model.requests('hello')).toHaveLength(1);
    model.become(ablated('L0.mlp'));
    await settled();
    for (const view of [el, second]) {
      expect(view.querySelector('.gb-hit[data-address="L0.mlp"]')?.classList.contains('gb-cut')).toBe(true);
    }
  });

  it('leaves nothing behind', () => {
    const { model, el, controller } = show();
    controller.abort();
    expect(el.childElementCount).toBe(0);
    expect(model.count).toBe(0);
  });
});

describe('a sequence that is being written', () => {
  it('shows its tokens and what comes next, also when the user code writes it', async () => {
    const { model, find } = show();
    const layout = frameLayout(architecture('gpt'));
    const { header } = recordedFrame(layout);
    const outside = { ...header, seq: 5, origin: 'outside', predictions: [{ token: 'home', id: 9, prob: 0.8 }] };
    model.emit('msg:custom', outside, recordedBuffers(recordedFrame(layout)));
    await settled();
    expect(find('[data-testid="tokens"]').textContent).toBe('WhenMaryandJohnhome 80 %');
    expect(find('[data-testid="candidates"] tr[data-token="home"] [data-col="clean"]').textContent).toBe('80.0 %');
    expect(find('th[data-col="clean"]').textContent).toBe('now');
  });

  it('says how many of its steps are not there to be gone through, and why', async () => {
    const { model, find } = show();
    const layout = frameLayout(architecture('gpt'));
    const { header } = recordedFrame(layout);
    const send = (seq: number, missing: number) => {
      model.emit(
        'msg:custom',
        { ...header, seq, missing, origin: 'generate', first: seq },
        recordedBuffers(recordedFrame(layout)),
      );
    };
    vi.useFakeTimers();
    send(1, 0);
    send(40, 38);
    await vi.advanceTimersByTimeAsync(1500);
    const text = find('[data-testid="time-text"]');
    expect(text.textContent).toBe('2 of 40 kept');
    expect(text.title).toBe('2 of 40 steps are kept: 38 came faster than this page draws');
    expect(find('[data-testid="time-slider"]').getAttribute('aria-valuetext')).toMatch(/2 of 40 steps are kept/);
    for (let seq = 2; seq < 40; seq++) send(seq, 39 - seq);
    await vi.advanceTimersByTimeAsync(1500);
    expect(text.textContent).toBe('40 frames');
    expect(text.title).toBe('');
    vi.useRealTimers();
  });

  it('says where the first value came from that is no number', async () => {
    const { model, find } = show();
    const layout = frameLayout(architecture('gpt'));
    const { header } = recordedFrame(layout);
    const send = async (seq: number, first_nonfinite: string | null) => {
      model.emit(
        'msg:custom',
        { ...header, seq, origin: 'outside', first_nonfinite },
        recordedBuffers(recordedFrame(layout)),
      );
      await settled();
    };
    await send(5, 'L1.mlp');
    expect(find('[data-testid="nonfinite"]').hidden).toBe(false);
    expect(find('[data-testid="nonfinite"]').textContent).toBe(
      'Some values are infinite or no numbers (NaN): the first of them comes out of L1.mlp.',
    );
    await send(6, null);
    expect(find('[data-testid="nonfinite"]').hidden).toBe(true);
  });
});

it('has ids of its own beside another copy of the file, as anywidget loads one for each model', async () => {
  show();
  vi.resetModules();
  const { makeWidget: another } = await import('./widget');
  const of = architecture('gpt');
  const model = new FakeModel({ architecture: of, frame_layout: frameLayout(of), state: sessionState() });
  another().render({ model, el: document.body.appendChild(document.createElement('div')) });
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(20);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});
