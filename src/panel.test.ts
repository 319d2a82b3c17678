/** What stands around the diagram: predictions, the prompt, what is said, and a sequence that is being written. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, frameLayout, recordedFrame } from './fixtures';
import { settled } from './fixtures/model';
import { ablated, show } from './fixtures/page';
import { recordedBuffers } from './wire/codec';

beforeEach(() => {
  document.body.replaceChildren();
});
afterEach(() => {
  vi.useRealTimers();
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

  it('tells what was written from the prompt, also where that was not seen', async () => {
    vi.useFakeTimers();
    const watched = new Map<Element, IntersectionObserverCallback>();
    const Observer = class {
      constructor(private readonly told: IntersectionObserverCallback) {}
      observe(node: Element) {
        watched.set(node, this.told);
      }
      disconnect() {}
    };
    vi.stubGlobal('IntersectionObserver', Observer);
    const { model, find, el } = show();
    const entry = { isIntersecting: false } as IntersectionObserverEntry;
    watched.get(find('.gb-root'))?.([entry], {} as IntersectionObserver);
    const layout = frameLayout(architecture('gpt'));
    const { header } = recordedFrame(layout);
    const size = (rows: number) => new DataView(new ArrayBuffer(rows * 4));
    const one = [size(layout.sites.length * layout.stats.length), size(layout.updates.length * 2)];
    model.emit('msg:custom', { ...header, seq: 1, origin: 'outside' }, recordedBuffers(recordedFrame(layout)));
    await vi.advanceTimersByTimeAsync(50);
    const pass = { seq: 2, origin: 'outside', first: 4, positions: 1, tokens: ['went'] };
    model.emit('msg:custom', { ...header, ...pass }, one);
    await vi.advanceTimersByTimeAsync(1000);
    expect([...el.querySelectorAll('.gb-written')].map((token) => token.textContent)).toEqual(['went']);
    vi.unstubAllGlobals();
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
