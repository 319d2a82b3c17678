/** What the page was not made for: it is shown as far as it goes, or said in words, and never as a blank. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, frameLayout, recordedFrame, sessionState } from './fixtures';
import { settled } from './fixtures/model';
import { mounted } from './fixtures/page';
import { Candidates } from './view/candidates';
import { recordedBuffers } from './wire/codec';
import type { Architecture, Block, SessionState } from './wire/types.generated';

function show(of: Architecture, state: SessionState | null = null) {
  const { model, el } = mounted(of, state);
  const hit = (address: string) => el.querySelector(`.gb-hit[data-address="${address}"]`) as SVGElement;
  const alert = () => el.querySelector('[data-testid=alert]')?.textContent ?? '';
  return { model, el, hit, alert };
}

function changed(change: (block: Block) => Partial<Record<keyof Block, unknown>>): Architecture {
  const of = structuredClone(architecture('gemma2'));
  for (const stack of of.stacks) {
    for (const { template } of stack.groups) {
      template.blocks = template.blocks.map((block) => ({ ...block, ...(change(block) as Partial<Block>) }));
    }
  }
  return of;
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => vi.restoreAllMocks());

describe('a kind that the page has no drawing for', () => {
  const strange = (block: Block) =>
    block.role === 'attention' ? { role: 'warp', cls: 'WarpDrive', spec: { kind: 'warp', coils: { value: 3 } } } : {};

  it('is a plain block with its name and class, that can be selected and searched for', async () => {
    const { el, hit } = show(changed(strange));
    expect(hit('L0.attn').querySelector('.gb-name')?.textContent).toBe('attn');
    expect(hit('L0.attn').textContent).toContain('WarpDrive');
    hit('L0.attn').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
    expect(el.querySelector('.gb-detail')?.textContent).toContain('WarpDrive');
    const box = el.querySelector<HTMLInputElement>('[role=combobox]');
    if (!box) throw new Error('there is a search');
    box.value = 'warp';
    box.dispatchEvent(new Event('input', { bubbles: true }));
    expect(el.querySelectorAll('[role=option]').length).toBeGreaterThan(0);
    box.dispatchEvent(new KeyboardEvent('keydown', { key: 't', bubbles: true }));
  });

  it('without a spec, a shape or a path is there, too', () => {
    const { hit } = show(
      changed(({ role }) => (role === 'mlp' ? { spec: null, reads: [], makes: [], path: '', cls: '' } : {})),
    );
    expect(hit('L0.mlp').querySelector('.gb-name')?.textContent).toBe('mlp');
  });
});

describe('a name', () => {
  it.each([
    ['with markup', '<img src=x onerror=alert(1)><b>bold</b>'],
    ['with emoji', '🦙🦙 model 👩‍🔬'],
    ['from right to left', 'مدل زبانی \u202Eevil'],
    ['with marks that combine', 'Z\u0351\u036B\u0343alg\u0348\u034Ao'],
    ['of 500 characters', 'long'.repeat(125)],
    ['that is empty', ''],
  ])('%s is text, everywhere', async (_, name) => {
    const of = changed(() => ({ cls: name, path: `model.${name}`, notes: [name] }));
    of.name = name;
    of.cls = name;
    const { el, hit } = show(of, { ...sessionState(), title: name });
    hit('L0.attn').dispatchEvent(new MouseEvent('click', { bubbles: true, altKey: true }));
    await settled();
    expect(el.querySelector('h1')?.textContent).toBe(name);
    expect(el.querySelector('.gb-detail .gb-path')?.textContent).toContain(`model.${name}`);
    expect(el.querySelectorAll('img, b[onerror], script')).toHaveLength(0);
    expect([...el.querySelectorAll('b')].filter((one) => one.textContent === 'bold')).toEqual([]);
  });
});

describe('the other end', () => {
  it('that speaks another protocol is said to', async () => {
    const { model, alert } = show(architecture('gpt'), sessionState());
    const hello = model.sent.find((one) => (one as { method?: string }).method === 'hello') as { id: number };
    const words = 'The page speaks protocol 1, the kernel 2. Restart the kernel and reload the page.';
    model.emit('msg:custom', {
      type: 'reply',
      id: hello.id,
      ok: false,
      error: { kind: 'VersionError', message: words },
    });
    await settled();
    expect(alert()).toContain(words);
  });

  it('that sends a frame which is cut short is said to, and the next one is drawn', async () => {
    const of = architecture('gpt');
    const { model, el, alert } = show(of, sessionState());
    const { header, ...rest } = recordedFrame(frameLayout(of), null, 1.5);
    const whole = recordedBuffers({ header, ...rest });
    model.emit(
      'msg:custom',
      header,
      whole.map((buffer) => new DataView(buffer.buffer, 0, 4)),
    );
    await settled();
    expect(alert()).toMatch(/bytes|values|buffer/);
    model.emit('msg:custom', header, whole);
    await settled();
    expect(el.querySelector('.gb-hit[data-address="L0.attn.H0"]')?.classList.contains('gb-measured')).toBe(true);
  });

  it('that sends what is no message is said to', async () => {
    const { model, alert } = show(architecture('gpt'), sessionState());
    model.emit('msg:custom', { type: 'surprise' });
    await settled();
    expect(alert()).not.toBe('');
  });
});

describe('a part that fails', () => {
  const failed = (el: Element) => [...el.querySelectorAll('.gb-failed')].map((one) => one.textContent);
  const measured = (el: Element) => el.querySelectorAll('.gb-hit.gb-measured').length;

  function streaming() {
    const of = architecture('gpt');
    const { model, el } = show(of, sessionState());
    const frame = recordedFrame(frameLayout(of), null, 1.5);
    return {
      el,
      async send() {
        model.emit('msg:custom', frame.header, recordedBuffers(frame));
        await settled();
      },
    };
  }

  it('is said to have failed where it stood, and the others are drawn', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const { el, send } = streaming();
    const broken = vi.spyOn(Candidates.prototype, 'paint').mockImplementation(() => {
      throw new Error('a candidate without a token');
    });
    await send();
    expect(failed(el)).toEqual(['This part of the page cannot be drawn: a candidate without a token']);
    expect(el.querySelector('.gb-failed')?.previousElementSibling?.classList.contains('gb-broken')).toBe(true);
    expect(measured(el)).toBeGreaterThan(0);
    expect(said.mock.calls.map(([one]) => String(one))).toEqual(['Error: a candidate without a token']);
    broken.mockRestore();
    await send();
    expect(failed(el)).toEqual([]);
    expect(el.querySelector('.gb-broken')).toBeNull();
  });

  it('because the model cannot be laid out leaves the others', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { el } = show(
      changed(({ role }) => (role === 'attention' ? { spec: { kind: 'attention' } } : {})),
      sessionState(),
    );
    await settled();
    expect(failed(el)[0]).toContain('the model could not be laid out');
    expect(el.querySelector('.gb-panel')?.textContent).toContain('Next token');
    expect(el.querySelector('.gb-panel')?.textContent).toContain('Mary91.8 %');
  });
});
