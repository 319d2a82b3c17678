/** Ablation on the page: kinds after the click, several at once, whose values are shown, the table, the sweep. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { intervention, sessionState } from './fixtures';
import { settled } from './fixtures/model';
import { show as live } from './fixtures/page';
import { repaired } from './view/candidates';
import { meaningOf, toggled } from './view/choosing';
import type { Effects } from './wire/types.generated';

const HEAD = 'L1.attn.H2';

async function show() {
  const { model, el, find, hit, frame } = live();
  const click = async (address: string, init: MouseEventInit = {}) => {
    hit(address).dispatchEvent(new MouseEvent('click', { bubbles: true, ...init }));
    await settled();
  };
  const press = async (node: HTMLElement, key: string, init: KeyboardEventInit = {}) => {
    node.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }));
    await settled();
  };
  const done = async (...edits: ReturnType<typeof intervention>[]) => {
    model.become({ interventions: edits });
    await frame(edits[0]?.address ?? null);
  };
  await frame();
  return { model, el, find, hit, frame, click, press, done };
}

beforeEach(() => document.body.replaceChildren());
afterEach(() => vi.useRealTimers());

describe('a click', () => {
  it.each([
    [{}, 'act'],
    [{ shiftKey: true }, 'choose'],
    [{ ctrlKey: true }, 'choose'],
    [{ metaKey: true }, 'choose'],
    [{ altKey: true }, 'look'],
  ] as const)('with %j means to %s', (keys, meaning) => {
    const none = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
    expect(meaningOf({ ...none, ...keys })).toBe(meaning);
  });

  it('chooses several, which are ablated in one step and restored in one', async () => {
    const { model, find, hit, click, press, done } = await show();
    await click(HEAD, { shiftKey: true });
    await click('L0.mlp', { ctrlKey: true });
    expect(model.requests('ablate')).toEqual([]);
    expect(find('.gb-chosen-bar').textContent).toContain('2 chosen');
    expect(hit(HEAD).getAttribute('aria-selected')).toBe('true');
    expect(find('.gb-live').textContent).toBe(`2 chosen: ${HEAD}, L0.mlp`);
    await press(hit(HEAD), 'x');
    expect(model.requests('ablate').map(({ params }) => params)).toEqual([{ targets: [HEAD, 'L0.mlp'], how: 'zero' }]);
    await done(intervention(HEAD, 'zero'), intervention('L0.mlp', 'zero'));
    find('[data-testid="chosen-restore"]').click();
    expect(model.requests('restore').map(({ params }) => params)).toEqual([{ targets: [HEAD, 'L0.mlp'] }]);
    await press(hit(HEAD), 'Escape');
    expect(find('.gb-chosen-bar').hidden).toBe(true);
  });

  it('on a chosen one takes it away again, and a plain one forgets them all', async () => {
    expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
    const { model, find, click } = await show();
    await click(HEAD, { shiftKey: true });
    await click('L0.mlp');
    expect(find('.gb-chosen-bar').hidden).toBe(true);
    expect(model.requests('ablate').map(({ params }) => params)).toEqual([{ targets: ['L0.mlp'], how: 'zero' }]);
  });

  it('is followed by arrows with Shift, which choose what they go over', async () => {
    const { find, hit, click, press } = await show();
    await click('L1.attn.H0', { altKey: true });
    await press(hit('L1.attn.H0'), 'ArrowRight', { shiftKey: true });
    await press(hit('L1.attn.H1'), 'ArrowRight', { shiftKey: true });
    expect(find('.gb-chosen-names').textContent).toBe('L1.attn.H0, L1.attn.H1, L1.attn.H2');
    await press(hit('L1.attn.H2'), 'ArrowLeft', { shiftKey: true });
    expect(find('.gb-chosen-names').textContent).toBe('L1.attn.H0, L1.attn.H1');
  });

  describe('that is dragged', () => {
    const middle = (node: HTMLElement) => {
      const [x, y, w, h] = ['x', 'y', 'width', 'height'].map((name) =>
        Number(node.querySelector('.gb-body')?.getAttribute(name)),
      );
      return { clientX: (x ?? 0) + (w ?? 0) / 2, clientY: (y ?? 0) + (h ?? 0) / 2 };
    };
    const point = async (name: string, on: HTMLElement, at: HTMLElement, init: PointerEventInit = {}) => {
      on.dispatchEvent(
        new PointerEvent(name, { bubbles: true, pointerId: 1, button: 0, buttons: 1, ...middle(at), ...init }),
      );
      await settled();
    };

    it('chooses the heads that it goes over, and ablates none', async () => {
      const { model, find, hit } = await show();
      const [from, to] = [hit('L1.attn.H1'), hit('L1.attn.H3')];
      await point('pointerdown', from, from);
      await point('pointermove', to, to);
      expect(find('.gb-band')).not.toBeNull();
      expect(find('.gb-chosen-names').textContent).toBe('L1.attn.H1, L1.attn.H2, L1.attn.H3');
      await point('pointermove', to, hit('L1.attn.H2'));
      expect(find('.gb-chosen-names').textContent).toBe('L1.attn.H1, L1.attn.H2');
      await point('pointerup', to, hit('L1.attn.H2'));
      expect(find('.gb-band')).toBeNull();
      expect(find('.gb-chosen-bar').textContent).toContain('2 chosen');
      expect(model.requests('ablate')).toEqual([]);
    });

    it('ends where the button was let go of beside the diagram', async () => {
      const { find, hit } = await show();
      const [from, to] = [hit('L1.attn.H1'), hit('L1.attn.H3')];
      await point('pointerdown', from, from);
      await point('pointermove', to, to, { buttons: 0 });
      expect(find('.gb-band')).toBeNull();
      expect(find('.gb-chosen-bar').hidden).toBe(true);
    });

    it('keeps with Shift what was chosen, and is a click where it hardly moved or what a finger does', async () => {
      const { find, hit, click } = await show();
      await click('L0.mlp', { shiftKey: true });
      const [from, to] = [hit('L0.attn.H0'), hit('L1.attn.H0')];
      await point('pointerdown', from, from, { shiftKey: true });
      await point('pointermove', to, to, { shiftKey: true });
      await point('pointerup', to, to, { shiftKey: true });
      expect(find('.gb-chosen-names').textContent).toBe('L0.mlp, L0.attn.H0, L1.attn.H0');
      for (const init of [{ pointerType: 'touch' }, { altKey: true }]) {
        await point('pointerdown', to, to, init);
        await point('pointermove', from, from, init);
        expect(find('.gb-band')).toBeNull();
      }
      await point('pointerdown', to, to);
      const { clientX, clientY } = middle(to);
      await point('pointermove', to, to, { clientX: clientX + 2, clientY });
      expect(find('.gb-band')).toBeNull();
    });
  });
});

describe('kinds after the click', () => {
  const open = (node: HTMLElement) =>
    node.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }));
  const item = (find: (selector: string) => HTMLElement, kind: string) => find(`.gb-kind-menu [data-kind="${kind}"]`);

  it('are in a menu, with the one in force marked and the reason why one is not for it', async () => {
    const { model, find, hit, done } = await show();
    await done(intervention('L1.mlp', 'zero'));
    open(hit('L1.mlp'));
    expect(find('.gb-kind-menu').getAttribute('role')).toBe('menu');
    expect(item(find, 'zero').getAttribute('aria-checked')).toBe('true');
    expect(item(find, 'skip').getAttribute('aria-disabled')).toBe('true');
    expect(item(find, 'skip').textContent).toContain('skip is for layers, not for blocks');
    item(find, 'skip').click();
    expect(find('.gb-kind-menu').hidden).toBe(false);
    item(find, 'mean').click();
    expect(find('.gb-kind-menu').hidden).toBe(true);
    expect(model.requests('change').map(({ params }) => params)).toEqual([{ targets: ['L1.mlp'], how: 'mean' }]);
    expect(model.requests('ablate')).toEqual([]);
  });

  it('are reached and chosen with the keyboard, and Escape goes back to where one was', async () => {
    const { model, el, find, hit, press } = await show();
    hit('L0.mlp').focus();
    await press(hit('L0.mlp'), 'X', { shiftKey: true });
    const focused = () => el.ownerDocument.activeElement as HTMLElement;
    expect(focused().dataset.kind).toBe('zero');
    await press(focused(), 'ArrowDown');
    expect(focused().dataset.kind).toBe('mean');
    await press(focused(), 'Escape');
    expect(find('.gb-kind-menu').hidden).toBe(true);
    expect(focused()).toBe(hit('L0.mlp'));
    await press(hit('L0.mlp'), 'X', { shiftKey: true });
    await press(focused(), 'm');
    await press(focused(), 'Enter');
    expect(model.requests('ablate').map(({ params }) => params)).toEqual([{ targets: ['L0.mlp'], how: 'mean' }]);
  });

  it('that is for a layer alone is reached with the keyboard: kinds that are not for it are no stop', async () => {
    const { find, hit, click } = await show();
    const name = hit('L1');
    expect(name.classList.contains('gb-layer-name')).toBe(true);
    await click('L1');
    const kinds = [...find('.gb-kinds').querySelectorAll('button')];
    const can = kinds.filter((button) => !button.disabled);
    expect(can.map((button) => button.dataset.kind)).toContain('skip');
    expect(kinds[0]?.disabled).toBe(true);
    expect(kinds.filter((button) => button.tabIndex === 0)).toEqual(can.slice(0, 1));
  });

  it('are beside the facts, and at the badge', async () => {
    const { model, find, hit, click, done } = await show();
    await click('L1.mlp', { altKey: true });
    await done(intervention('L1.mlp', 'zero'));
    const button = (kind: string) => find(`.gb-kinds [data-kind="${kind}"]`) as HTMLButtonElement;
    expect(button('zero').getAttribute('aria-checked')).toBe('true');
    expect(button('skip').disabled).toBe(true);
    button('mean').click();
    expect(model.requests('change').at(-1)?.params).toEqual({ targets: ['L1.mlp'], how: 'mean' });
    await done(intervention('L1.mlp', 'mean'));
    hit('L1.mlp')
      .querySelector('.gb-badge')
      ?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(find('.gb-kind-menu').hidden).toBe(false);
    expect(model.requests('restore')).toEqual([]);
  });

  it('are in the menu after a finger stayed, and the finger that lifts is no click', async () => {
    const { model, find, hit } = await show();
    vi.useFakeTimers();
    const touch = (type: string) =>
      hit('L1.mlp').dispatchEvent(
        new PointerEvent(type, { bubbles: true, pointerType: 'touch', clientX: 5, clientY: 5 }),
      );
    touch('pointerdown');
    vi.advanceTimersByTime(600);
    expect(find('.gb-kind-menu').hidden).toBe(false);
    touch('pointerup');
    hit('L1.mlp').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(model.requests('ablate')).toEqual([]);
    vi.advanceTimersByTime(100);
    hit('L1.mlp').dispatchEvent(new MouseEvent('click', { bubbles: true }));
    expect(model.requests('ablate')).toHaveLength(1);
  });

  it('are seen as asked for before the kernel has done it', async () => {
    const { hit, find, click, done } = await show();
    await click('L1.mlp', { altKey: true });
    await done(intervention('L1.mlp', 'zero'));
    const shape = () => hit('L1.mlp').querySelector('.gb-badge path')?.getAttribute('d');
    const zero = shape();
    find('.gb-kinds [data-kind="mean"]').click();
    await settled();
    expect(hit('L1.mlp').classList.contains('gb-pending')).toBe(true);
    expect(shape()).not.toBe(zero);
  });
});

describe('the table of what is ablated', () => {
  it('lists each with its sentence, changes its kind in place, and restores it', async () => {
    const { model, find, el, done } = await show();
    expect(find('[data-testid="ablated"]').hidden).toBe(true);
    await done(intervention(HEAD, 'zero', 'It is zero.'), intervention('L0.mlp', 'scale', 'Only at 3: halved.', false));
    const rows = [...el.querySelectorAll<HTMLElement>('[data-testid="ablated"] tbody tr')];
    expect(rows.map((row) => [row.dataset.address, row.querySelector('.gb-says')?.textContent])).toEqual([
      [HEAD, 'It is zero.'],
      ['L0.mlp', 'Only at 3: halved.'],
    ]);
    const within = (row: number, selector: string) => rows[row]?.querySelector<HTMLElement>(selector);
    const choice = within(1, 'select') as HTMLSelectElement;
    expect(choice.value).toBe('scale');
    choice.value = 'mean';
    choice.dispatchEvent(new Event('change'));
    expect(model.requests('change').map(({ params }) => params)).toEqual([{ targets: ['L0.mlp'], how: 'mean' }]);
    within(0, '[data-col="act"] button')?.click();
    expect(model.requests('restore').map(({ params }) => params)).toEqual([{ targets: [HEAD] }]);
    within(0, '.gb-link')?.click();
    await settled();
    expect(find('.gb-detail h2').textContent).toBe(HEAD);
  });

  it('shows the kind that was asked for until it is refused, then the one in force', async () => {
    const { model, find, done } = await show();
    await done(intervention('L0.mlp', 'zero'));
    const choice = find('[data-testid="ablated"] select') as HTMLSelectElement;
    choice.value = 'mean';
    choice.dispatchEvent(new Event('change'));
    await settled();
    expect(choice.value).toBe('mean');
    model.reply('change', { kind: 'recorded', message: 'mean ablation of L0.mlp was not recorded.' });
    await settled();
    expect(choice.value).toBe('zero');
  });

  it('is copied as Python that runs', async () => {
    const written: string[] = [];
    vi.stubGlobal('navigator', { clipboard: { writeText: async (text: string) => written.push(text) } });
    const { find, done } = await show();
    const scaled = { ...intervention(HEAD, 'scale'), python: `session.ablate("${HEAD}", how=gb.Scale(0.5))` };
    await done(intervention('L0.mlp', 'zero'), scaled);
    find('[data-testid="ablations-copy"]').click();
    await settled();
    vi.unstubAllGlobals();
    expect(written).toEqual([
      `import glassblock as gb\nsession.ablate("L0.mlp", how="zero")\nsession.ablate("${HEAD}", how=gb.Scale(0.5))`,
    ]);
  });
});

describe('the clean run', () => {
  it('is shown at C in the whole diagram, and it is said', async () => {
    const { find, hit, press, done } = await show();
    const value = () => hit('L2.attn.H0').querySelector('.gb-value')?.textContent;
    const clean = value();
    await done(intervention(HEAD, 'zero'));
    expect(value()).not.toBe(clean);
    expect(hit(HEAD).classList.contains('gb-cut')).toBe(true);
    await press(hit(HEAD), 'c');
    expect(value()).toBe(clean);
    expect(hit(HEAD).classList.contains('gb-cut')).toBe(false);
    expect(hit(HEAD).querySelector('.gb-badge')?.classList.contains('gb-on')).toBe(true);
    expect(hit(HEAD).getAttribute('aria-label')).toMatch(/zero, shown as in the clean run/);
    expect(find('[data-testid="shown-run"]').textContent).toBe('C shows the ablated run');
    expect(find('.gb-live').textContent).toBe('Showing the clean run');
    expect(find('.gb-changed.gb-on')).toBeNull();
    await press(hit(HEAD), 'c');
    expect(hit(HEAD).classList.contains('gb-cut')).toBe(true);
  });

  it('is shown for as long as C is held', async () => {
    const { hit, press, done } = await show();
    await done(intervention(HEAD, 'zero'));
    const cut = () => hit(HEAD).classList.contains('gb-cut');
    let now = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    await press(hit(HEAD), 'c');
    now += 900;
    await press(hit(HEAD), 'c', { repeat: true });
    expect(cut()).toBe(false);
    hit(HEAD).dispatchEvent(new KeyboardEvent('keyup', { key: 'c', bubbles: true }));
    clock.mockRestore();
    await settled();
    expect(cut()).toBe(true);
  });

  it('is the only one where nothing is ablated: the key then does nothing', async () => {
    const { hit } = await show();
    const event = new KeyboardEvent('keydown', { key: 'c', bubbles: true, cancelable: true });
    hit(HEAD).dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });
});

it('a pair of tokens is begun anew with the third, and one that is chosen again is given up', () => {
  expect(repaired([], 1)).toEqual([1]);
  expect(repaired([1], 2)).toEqual([1, 2]);
  expect(repaired([1, 2], 3)).toEqual([3]);
  expect(repaired([1, 2], 1)).toEqual([2]);
});

describe('the sweep', () => {
  const part = (first: number, effects: readonly number[], running: boolean): Effects => ({
    type: 'effects',
    sweep: 1,
    how: 'zero',
    metric: 'log-probability of Mary',
    unit: 'nats',
    prompt: sessionState().run?.prompt ?? '',
    clean: -0.1,
    first,
    rows: effects.map((effect, i) => ({ address: `L${first + i}.mlp`, effect, why: null })),
    total: 3,
    python: 'session.sweep()',
    running,
  });

  it('asks for what is chosen, and shows rows as they come', async () => {
    const { model, find, el } = await show();
    find('[data-stage="sweep"]').click();
    await settled();
    find('[data-testid="sweep"]').click();
    expect(model.requests('sweep').map(({ params }) => params)).toEqual([
      { how: 'zero', metric: { name: 'logprob', tokens: [1] }, scope: ['head', 'block'] },
    ]);
    model.emit('msg:custom', part(0, [-0.5], true), []);
    await settled();
    expect(find('[data-testid="sweep-done"]').textContent).toBe('1 of 3');
    expect((find('[data-testid="sweep-stop"]') as HTMLButtonElement).disabled).toBe(false);
    model.emit('msg:custom', part(1, [-2, 0.25], false), []);
    await settled();
    const rows = [...el.querySelectorAll<HTMLElement>('[data-testid="effects"] tbody tr')];
    expect(rows.map((row) => row.textContent)).toEqual(['L1.mlp−2.00', 'L0.mlp−0.50', 'L2.mlp+0.25']);
    expect(find('.gb-live').textContent).toBe('Swept 3 of 3');
    rows[0]?.querySelector('button')?.click();
    await settled();
    expect(find('.gb-sweep-one').textContent).toContain('L1.mlp−2.00 nats');
    find('[data-testid="sweep-ablate"]').click();
    expect(model.requests('ablate').map(({ params }) => params)).toEqual([{ targets: ['L1.mlp'], how: 'zero' }]);
  });
});
