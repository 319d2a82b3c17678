import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, sessionState } from './fixtures';
import { settled } from './fixtures/model';
import { mounted } from './fixtures/page';
import type { Architecture } from './wire/types.generated';

function show(of: Architecture, live: boolean) {
  const { el } = mounted(of, live ? sessionState() : null);
  const all = (selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
  const hit = (address: string) => all(`.gb-hit[data-address="${address}"]`)[0] as HTMLElement;
  const press = async (target: Element, key: string) => {
    target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    await settled();
  };
  const click = async (selector: string) => {
    all(selector)[0]?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await settled();
  };
  return { all, hit, press, click };
}

const still = (matches: boolean) => vi.stubGlobal('matchMedia', () => ({ matches, addEventListener: () => {} }));

beforeEach(() => {
  document.body.replaceChildren();
  still(true);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const steps = (of: { all: (selector: string) => HTMLElement[] }, within: string) =>
  of.all(`${within} .gb-op`).map((node) => node.getAttribute('aria-label') ?? '');

describe('the inside of a block', () => {
  it('stands with the facts of the selected one, as a list that can be read out', async () => {
    const page = show(architecture('llama'), false);
    await page.press(page.hit('L0.attn'), 'Enter');
    expect(page.all('.gb-inside [role="list"]')).toHaveLength(1);
    const said = steps(page, '.gb-inside');
    expect(said).toHaveLength(13);
    expect(said.find((one) => one.startsWith('q_proj'))).toMatch(/^q_proj: linear.* 16\.8 M parameters.* feeds rotary/);
  });

  it('opens in the diagram at its button, at O, and at Enter where it is selected already', async () => {
    const page = show(architecture('llama'), false);
    const opened = () => page.all('.gb-opened .gb-op').length;
    await page.click('.gb-opener[data-address="L0.attn"]');
    expect(opened()).toBe(13);
    expect(page.hit('L0.attn').getAttribute('aria-expanded')).toBe('true');
    await page.press(page.hit('L0.attn'), 'o');
    expect(opened()).toBe(0);
    expect(page.hit('L0.attn').getAttribute('aria-expanded')).toBe('false');
    await page.press(page.hit('L0.mlp'), 'Enter');
    expect(opened()).toBe(0);
    await page.press(page.hit('L0.mlp'), 'Enter');
    expect(opened()).toBe(7);
    await page.press(page.hit('L0.mlp'), 'Escape');
    expect(opened()).toBe(0);
  });

  it('is walked with the arrows, from what comes in upwards', async () => {
    const page = show(architecture('llama'), false);
    await page.click('.gb-opener[data-address="L0.mlp"]');
    const input = page.all('.gb-opened .gb-op[data-op="input"]')[0] as HTMLElement;
    input.focus();
    await page.press(input, 'ArrowUp');
    const reached = document.activeElement as HTMLElement;
    expect(reached.getAttribute('aria-label')).toMatch(/^(gate|up)_proj/);
    expect(reached.getAttribute('tabindex')).toBe('0');
    expect(page.all('.gb-opened .gb-op[tabindex="0"]')).toHaveLength(1);
    expect(page.all('.gb-opened .gb-lit').length).toBeGreaterThan(0);
  });

  it('is told at a step: path, shape, parameters, and with a live model the line that reads it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const page = show(architecture('gpt'), true);
    const opener = page.all('.gb-opener[data-address="L1.attn"]')[0];
    opener?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    await Promise.resolve();
    const softmax = page.all('.gb-opened .gb-op[data-op="softmax"]')[0] as HTMLElement;
    softmax.dispatchEvent(new FocusEvent('focusin', { bubbles: true }));
    vi.advanceTimersByTime(200);
    const told = page
      .all('.gb-op-tip')
      .map((tip) => tip.textContent ?? '')
      .join(' ');
    expect(told).toContain('session.cache("L1.attn.pattern")');
    expect(told).toContain('batch × 4 × tokens × tokens');
  });

  it('keeps the heads of an opened block, live, to be clicked', async () => {
    const page = show(architecture('gpt'), true);
    await page.click('.gb-opener[data-address="L1.attn"]');
    expect(page.hit('L1.attn.H3').getAttribute('data-act')).toBe('ablate');
    expect(page.all('.gb-opened .gb-op').length).toBeGreaterThan(5);
  });

  it('of which nothing is known is not offered, and its facts and notes stay', async () => {
    const of = architecture('llama');
    for (const block of of.stacks.flatMap(({ groups }) => groups.flatMap(({ template }) => template.blocks))) {
      block.inside = null;
      block.notes = ['it did not run'];
    }
    const page = show(of, false);
    await page.press(page.hit('L0.attn'), 'Enter');
    expect(page.all('.gb-opener')).toEqual([]);
    expect(page.all('.gb-detail .gb-note-line').map((node) => node.textContent)).toContain('it did not run');
    await page.press(page.hit('L0.attn'), 'o');
    expect(page.all('.gb-opened')).toEqual([]);
  });

  it('takes names as text', async () => {
    const of = architecture('llama');
    const block = of.stacks[0]?.groups[0]?.template.blocks.find(({ role }) => role === 'mlp');
    const step = block?.inside?.steps[1];
    if (!step) throw new Error('the fixture has an inside');
    step.name = '<img src=x onerror=alert(1)>';
    const page = show(of, false);
    await page.press(page.hit('L0.mlp'), 'Enter');
    expect(page.all('.gb-inside img')).toEqual([]);
    expect(steps(page, '.gb-inside')[1]).toContain('<img src=x onerror=alert(1)>');
  });
});
