// The exported page, opened from disk, with no kernel and no network.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from '@playwright/test';
import { at, number, numbers } from '../helpers/diagram';

const HEAD = 'L1.attn.H0';
let file = '';

test.beforeAll(() => {
  file = path.join(mkdtempSync(path.join(tmpdir(), 'glassblock-')), 'demo.html');
  execFileSync('python', ['-m', 'glassblock', 'demo', 'gpt', '-o', file]);
});

test('a click changes the prediction, and no request is made', async ({ browser }) => {
  const context = await browser.newContext({ offline: true, viewport: { width: 1100, height: 900 } });
  const page = await context.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  const url = pathToFileURL(file).href;
  await page.goto(url);
  const view = page.locator('.gb-root');
  const before = await numbers(view);
  const clean = await number(view, 'Mary', 'clean');
  await at(view, HEAD).click();
  await expect(view.getByTestId('kl')).toContainText('nats');
  expect(await number(view, 'Mary', 'ablated')).toBeLessThan(clean / 2);
  await view.getByTestId('undo').click();
  await expect(view.getByTestId('kl')).toBeHidden();
  expect(await numbers(view)).toEqual(before);
  expect(requests.filter((address) => address !== url)).toEqual([]);
  expect(errors).toEqual([]);
  await context.close();
});

test('the first ablation moves nothing of the diagram, which stays in view while the panel beside it is scrolled', async ({
  page,
}) => {
  await page.setViewportSize({ width: 1100, height: 800 });
  await page.goto(pathToFileURL(file).href);
  const view = page.locator('.gb-root');
  const stage = view.locator('.gb-stage');
  const before = await stage.boundingBox();
  await at(view, HEAD).click();
  await expect(view.getByTestId('kl')).toContainText('nats');
  expect(await stage.boundingBox()).toEqual(before);
  await page.mouse.wheel(0, 5000);
  await expect(view.locator('.gb-history')).toBeInViewport();
  await expect(stage).toBeInViewport({ ratio: 0.9 });
});

for (const [kind, words] of Object.entries({
  'an architecture': ['unfold', 'gallery:deepseek-v3'],
  'a comparison': ['compare', 'gallery:gpt2', 'gallery:qwen3-next-80b-a3b'],
})) {
  test(`the page of ${kind} saves the picture that Python writes`, async ({ browser }) => {
    const [command = '', ...sources] = words;
    const folder = mkdtempSync(path.join(tmpdir(), 'glassblock-'));
    const inside = (name: string) => path.join(folder, name);
    const [html, svg] = [inside('x.html'), inside('x.svg')];
    const saved = inside('saved.svg');
    for (const output of [html, svg]) {
      const theme = output === svg ? ['--theme', 'dark'] : [];
      execFileSync('python', ['-m', 'glassblock', command, ...sources, '-o', output, ...theme]);
    }
    const page = await browser.newPage({ offline: true, colorScheme: 'dark' });
    await page.goto(pathToFileURL(html).href);
    const download = page.waitForEvent('download');
    const menu = page.getByTestId('export');
    if (await menu.isVisible()) await menu.click();
    await page.getByRole((await menu.isVisible()) ? 'menuitem' : 'button', { name: /SVG/ }).click();
    await (await download).saveAs(saved);
    expect(readFileSync(saved, 'utf8')).toBe(readFileSync(svg, 'utf8'));
    await page.close();
  });
}

test('on a projector the prediction stays beside the diagram, and nothing is wider than its column', async ({
  browser,
}) => {
  const context = await browser.newContext({ offline: true, viewport: { width: 1260, height: 900 } });
  const page = await context.newPage();
  await page.goto(pathToFileURL(file).href);
  const view = page.locator('.gb-root');
  await expect(view.getByTestId('heat')).toBeVisible();
  await view.getByTestId('projector').click();
  await expect(view).toHaveClass(/gb-projector/);
  const right = async (name: string) => {
    const box = await view.locator(name).first().boundingBox();
    return box ? box.x + box.width : Number.NaN;
  };
  await expect.poll(async () => (await right('.gb-heat canvas')) - (await right('.gb-panel'))).toBeLessThanOrEqual(1);
  expect(await right('.gb-diagram')).toBeLessThan((await view.locator('.gb-panel').boundingBox())?.x ?? 0);
  await context.close();
});
