// The pictures of the docs, taken from exported pages: `npm run pictures`. Run it when the page has changed, and look at them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Page, test } from '@playwright/test';
import { at } from '../helpers/diagram';

const folder = mkdtempSync(path.join(tmpdir(), 'glassblock-'));
const images = path.resolve(__dirname, '../../docs/images');

/** Save a bundled model's page and open it. */
async function open(page: Page, model: string): Promise<void> {
  const file = path.join(folder, `${model}.html`);
  execFileSync('python', ['-m', 'glassblock', 'demo', model, '-o', file]);
  await page.setViewportSize({ width: 1100, height: 900 });
  await page.goto(pathToFileURL(file).href);
}

async function take(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.waitForTimeout(600); // the wire is being cut
  await page.locator('.gb-root').screenshot({ path: path.join(images, `${name}.png`) });
}

for (const scheme of ['light', 'dark'] as const) {
  test(`one head ablated, ${scheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await open(page, 'gpt');
    await at(page.locator('.gb-root'), 'L1.attn.H0').click();
    await take(page, scheme === 'light' ? 'live' : 'live-dark');
  });
}

for (const model of ['moe', 'hybrid']) {
  test(`the bundled ${model}`, async ({ page }) => {
    await open(page, model);
    await take(page, model);
  });
}

test('an architecture alone', async ({ page }) => {
  const file = path.join(folder, 'unfold.html');
  const code = `import glassblock as gb; gb.unfold({"model_type": "deepseek_v3"}).save("${file}")`;
  execFileSync('python', ['-c', code]);
  await page.setViewportSize({ width: 1100, height: 900 });
  await page.goto(pathToFileURL(file).href);
  await at(page.locator('.gb-root'), 'L3.attn').click();
  await take(page, 'unfold');
});
