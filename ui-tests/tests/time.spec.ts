// Time, with the keyboard alone: pause while frames come, step, slide, go back; a token's values. No kernel is needed.
import { expect, type Page, test } from '@playwright/test';
import { fixture, heapOf, mount, openHarness, shiftsWhile, stream } from '../harness';
import { makePages, pageOf } from '../helpers/pages';

const shown = (page: Page) => page.locator('.gb-root').getAttribute('data-frame').then(Number);
const text = (page: Page) => page.locator('[data-testid="time-text"]').textContent();

test.beforeEach(async ({ page }) => {
  await openHarness(page);
  await mount(page, fixture('gpt'), 1100);
});

test('frames are paused, stepped and scrubbed with keys', async ({ page }) => {
  await stream(page, { hz: 30, frames: 20 });
  const newest = await shown(page);
  expect(newest).toBeGreaterThan(10);
  await page.locator('.gb-hit[tabindex="0"]').first().focus();
  await page.keyboard.press('Space');
  // The stand-in begins with a prompt again: it goes on while this one stays.
  const { sent } = await stream(page, { hz: 30, frames: 10 });
  expect(await shown(page)).toBe(newest);
  await expect.poll(() => text(page)).toMatch(/^paused, \d+ newer$/);
  await page.keyboard.press('[');
  await page.keyboard.press('[');
  await expect.poll(() => shown(page)).toBe(newest - 2);
  await page.keyboard.press(']');
  await expect.poll(() => shown(page)).toBe(newest - 1);
  const slider = page.locator('[data-testid="time-slider"]');
  await slider.focus();
  await page.keyboard.press('Home');
  await expect.poll(() => shown(page)).toBe(1);
  await expect(slider).toHaveAttribute('aria-valuetext', /^frame 1 of \d+, at /);
  await page.locator('[data-testid="time-pause"]').press('Enter');
  await expect.poll(() => text(page)).not.toMatch(/paused/);
  expect(await shown(page)).toBeGreaterThan(newest);
  // What is left is the text that runs now: a prompt, and the tokens after it.
  await expect(slider).toHaveAttribute('max', String(sent));
});

test('the values of a frame are those that it came with', async ({ page }) => {
  await stream(page, { hz: 30, frames: 10 });
  const value = page.locator('.gb-hit[data-address="L1.attn.H2"] .gb-value');
  await page.locator('.gb-hit[tabindex="0"]').first().focus();
  await page.keyboard.press('Space');
  const seen: (string | null)[] = [];
  for (let i = 0; i < 4; i++) {
    seen.push(await value.textContent());
    const at = await shown(page);
    await page.keyboard.press('[');
    await expect.poll(() => shown(page)).toBe(at - 1);
  }
  for (const before of seen.reverse()) {
    const at = await shown(page);
    await page.keyboard.press(']');
    await expect.poll(() => shown(page)).toBe(at + 1);
    expect(await value.textContent()).toBe(before);
  }
  expect(new Set(seen).size).toBeGreaterThan(1);
});

test('a token is chosen with the keyboard, and its values are said', async ({ page }) => {
  await stream(page, { hz: 30, frames: 6 });
  await page.locator('[data-testid="heat-of"]').focus();
  await page.keyboard.press('Tab');
  const heat = page.locator('[data-testid="heat"]');
  await expect(heat).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('[data-testid="heat-tip"]')).toHaveText(/^L2 at token 1, “·Mary”: norm [\d.,]+$/);
  await expect(page.locator('.gb-live')).toHaveText(/^L2 at token 1, “·Mary”: norm/);
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-testid="shown-token"]')).toHaveText('at token 1');
  await page.locator('[data-testid="last-token"]').click();
  await expect(page.locator('[data-testid="shown-token"]')).toHaveText('at token 15');
});

test('nothing moves while it streams, and nothing is left behind', async ({ page }) => {
  await stream(page, { hz: 30, frames: 30 });
  const cdp = await page.context().newCDPSession(page);
  const before = await heapOf(page, cdp);
  const shifts = await shiftsWhile(page, () => stream(page, { hz: 30, frames: 90 }));
  expect(shifts.filter(({ value }) => value > 0.001)).toEqual([]);
  const after = await heapOf(page, cdp);
  expect(after.listeners).toBe(before.listeners);
  expect(after.megabytes).toBeLessThan(before.megabytes + 2);
});

test('Enter in the slider runs no prompt', async ({ page }) => {
  makePages(['demo:gpt']);
  await page.goto(pageOf('demo:gpt'));
  await page.locator('[data-address="L1.attn.H0"]').first().click();
  await expect(page.locator('.gb-root')).toHaveAttribute('data-run-id', '2');
  await page.locator('[data-testid="time-slider"]').press('Home');
  await expect.poll(() => text(page)).toMatch(/^paused/);
  await page.keyboard.press('Enter');
  await page.waitForTimeout(200);
  expect(await text(page)).toMatch(/^paused/);
  await expect(page.locator('.gb-root')).toHaveAttribute('data-run-id', '2');
});
