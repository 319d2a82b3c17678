// What axe finds in the pages, in light and dark: nothing. And what it cannot see: motion, text size, forced colours.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, expect, type Page, test } from '@playwright/test';
import { at } from '../helpers/diagram';

const HEAD = 'L1.attn.H0';
const PAGES: Readonly<Record<string, readonly string[]>> = {
  live: ['demo', 'gpt'],
  experts: ['demo', 'moe'],
  architecture: ['unfold', 'gallery:gemma-2-2b'],
  comparison: ['compare', 'gallery:gpt2', 'gallery:gemma-2-2b'],
};
const files = new Map<string, string>();

test.beforeAll(() => {
  const folder = mkdtempSync(path.join(tmpdir(), 'glassblock-'));
  for (const [name, words] of Object.entries(PAGES)) {
    files.set(name, path.join(folder, `${name}.html`));
    execFileSync('python', ['-m', 'glassblock', ...words, '-o', files.get(name) ?? '']);
  }
});

type Options = Parameters<Browser['newContext']>[0];

async function open(browser: Browser, name: string, options: Options = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, ...options });
  const page = await context.newPage();
  await page.goto(pathToFileURL(files.get(name) ?? '').href);
  return page;
}

/** What is wrong. Only colours differ between light and dark: in the dark nothing else is looked for again. */
async function found(page: Page, scheme: 'light' | 'dark'): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations } = await (scheme === 'dark' ? axe.withRules('color-contrast') : axe).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
}

const search = async (page: Page) => {
  await page.getByTestId('search').fill('attn');
  await expect(page.getByRole('option').first()).toBeVisible();
};
const STATES: readonly (readonly [string, string, (page: Page) => Promise<unknown>, number?])[] = [
  ['an architecture', 'architecture', async () => null],
  ['an architecture with a block selected', 'architecture', (page) => at(page.locator('.gb-root'), 'unembed').click()],
  ['an architecture in a narrow page', 'architecture', async () => null, 480],
  ['a model with an ablation', 'live', (page) => at(page.locator('.gb-root'), HEAD).click()],
  ['a model in a narrow page', 'live', (page) => at(page.locator('.gb-root'), HEAD).click(), 480],
  ['the search', 'live', search],
  ['the sheet of keys', 'live', (page) => at(page.locator('.gb-root'), HEAD).press('?')],
  ['the table', 'live', (page) => page.getByTestId('table').click()],
  ['the projector', 'live', (page) => page.getByTestId('projector').click()],
  ['the experts', 'experts', (page) => page.locator('[data-stage="experts"]').last().click()],
  ['a comparison', 'comparison', async () => null],
];

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [words, name, act, width = 1100] of STATES) {
    test(`axe finds nothing in ${words}, ${colorScheme}`, async ({ browser }) => {
      const page = await open(browser, name, { colorScheme, viewport: { width, height: 900 } });
      await act(page);
      expect(await found(page, colorScheme)).toEqual([]);
      await page.context().close();
    });
  }
}

test('nothing moves where no motion is wanted', async ({ browser }) => {
  const page = await open(browser, 'live', { reducedMotion: 'reduce' });
  const view = page.locator('.gb-root');
  const moving = () => page.evaluate(() => document.getAnimations().length);
  await at(view, HEAD).click();
  expect(await moving()).toBe(0);
  await expect(view.getByTestId('kl')).toContainText('nats');
  expect(await moving()).toBe(0);
  await view.getByTestId('undo').click();
  await view.getByTestId('projector').click();
  expect(await moving()).toBe(0);
  await page.context().close();
});

/** What is wider than the window, and text that is cut off without an ellipsis. */
const cutOff = (page: Page) =>
  page.evaluate(() => {
    const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page'] : [];
    const texts = [...document.querySelectorAll<HTMLElement>('.gb-root :is(button, h1, h2, dt, dd, p, .gb-chip)')];
    const cut = texts.filter((one) => {
      const { overflow, textOverflow } = getComputedStyle(one);
      return (
        one.offsetParent !== null &&
        overflow !== 'visible' &&
        textOverflow !== 'ellipsis' &&
        one.scrollWidth > one.clientWidth + 1
      );
    });
    return [...wide, ...cut.map((one) => one.textContent ?? '')];
  });

test('text of twice the size is twice as large, in the diagram too, and nothing is cut off', async ({ browser }) => {
  const page = await open(browser, 'live');
  const name = at(page.locator('.gb-root'), 'L1.mlp').locator('.gb-name');
  const height = async () => (await name.boundingBox())?.height ?? 0;
  const before = await height();
  await page.evaluate(() => {
    document.documentElement.style.fontSize = '200%';
  });
  await expect.poll(height).toBeGreaterThan(1.9 * before);
  expect(await cutOff(page)).toEqual([]);
  await page.context().close();
});

test('on a projector all is at least 1.4 times as large', async ({ browser }) => {
  for (const viewport of [
    { width: 1280, height: 720 },
    { width: 1920, height: 1080 },
  ]) {
    const page = await open(browser, 'live', { viewport });
    const name = at(page.locator('.gb-root'), 'L1.mlp').locator('.gb-name');
    const before = (await name.boundingBox())?.height ?? 0;
    await page.locator('.gb-root').getByTestId('projector').click();
    await expect.poll(async () => (await name.boundingBox())?.height ?? 0).toBeGreaterThan(1.35 * before);
    expect(await cutOff(page)).toEqual([]);
    await page.context().close();
  }
});

test('the tooltip covers nothing that is pointed at, can be read, and goes at Escape', async ({ browser }) => {
  const page = await open(browser, 'live');
  const tooltip = page.getByRole('tooltip');
  const { width = 0, height = 0 } = page.viewportSize() ?? {};
  for (const address of ['unembed', 'L2.attn.H0', 'L0.mlp', 'embed']) {
    const hit = at(page.locator('.gb-root'), address);
    await hit.hover();
    await expect(tooltip).toContainText(address);
    const [on, box] = [await hit.boundingBox(), await tooltip.boundingBox()];
    if (!on || !box) throw new Error('both are to be seen');
    const apart =
      box.y + box.height <= on.y || on.y + on.height <= box.y || box.x + box.width <= on.x || on.x + on.width <= box.x;
    expect(apart, address).toBe(true);
    expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height, address).toBe(true);
  }
  await tooltip.hover();
  await page.waitForTimeout(400);
  await expect(tooltip).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(tooltip).toBeHidden();
  await page.context().close();
});

test('selection and focus are seen where colours are forced', async ({ browser }) => {
  const page = await open(browser, 'live', { forcedColors: 'active' });
  const hit = at(page.locator('.gb-root'), HEAD);
  await hit.focus();
  await page.keyboard.press('Shift+Enter');
  const ring = hit.locator('.gb-select');
  await expect(ring).toBeVisible();
  const colours = await hit.evaluate((node) => {
    const of = (name: string) => getComputedStyle(node.querySelector(name) as Element);
    return [of('.gb-select').stroke, getComputedStyle(document.body).backgroundColor, of('.gb-name').fill];
  });
  expect(colours[0]).not.toBe(colours[1]);
  expect(colours[2]).not.toBe(colours[1]);
  // Words on the highlight are the system's for it, on no plate of their own.
  const main = await page.getByTestId('chosen-ablate').evaluate((node) => {
    const { forcedColorAdjust, color, backgroundColor } = getComputedStyle(node) as CSSStyleDeclaration & {
      forcedColorAdjust: string;
    };
    return { forcedColorAdjust, seen: color !== backgroundColor };
  });
  expect(main).toEqual({ forcedColorAdjust: 'none', seen: true });
  await page.context().close();
});
