// The whole way with the keyboard alone: from a code cell to a block that was found, ablated, compared and restored.
import { expect, type IJupyterLabPageFixture, test } from '@jupyterlab/galata';
import { showDemo } from '../helpers/demo';
import { at, number, numbers } from '../helpers/diagram';
import { ask } from '../helpers/kernel';
import { newNotebook } from '../helpers/notebook';

const PROMPT = 'When Mary and John went to the store , John gave a drink to';
const HEAD = 'L1.attn.H0';

/** Press Tab until something has the focus. */
async function tabTo(page: IJupyterLabPageFixture, selector: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab never came to ${selector}`);
}

const focused = (page: IJupyterLabPageFixture) =>
  page.evaluate(() => document.activeElement?.getAttribute('data-address') ?? document.activeElement?.tagName);

test('attach, run, find, ablate, compare and undo, with the keyboard alone', async ({ page }) => {
  await newNotebook(page);
  const view = page.locator('.jp-NotebookPanel:visible .gb-root').first();
  await page.keyboard.press('Enter');
  await page.keyboard.insertText('import glassblock as gb\nsession = gb.demo()\nsession');
  await page.keyboard.press('Shift+Enter');
  // Importing torch takes its time.
  await expect(view).toBeVisible({ timeout: 90_000 });
  // A new cell has the focus: up to the one above, and from it into its output.
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowUp');
  await tabTo(page, '.gb-root input, .gb-root button, .gb-root [tabindex="0"]');

  await tabTo(page, '[data-testid=prompt]');
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(PROMPT);
  await page.keyboard.press('Enter');
  await expect(view.locator('[data-testid="candidates"] [data-token="Mary"]')).toBeVisible();
  const clean = await numbers(view);
  const probability = await number(view, 'Mary', 'clean');

  await tabTo(page, '.gb-root button, .gb-root [role=treeitem]');
  await page.keyboard.press('/');
  await page.keyboard.type('1.0');
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(page)).toBe(HEAD);

  const cells = await page.locator('.jp-NotebookPanel:visible .jp-Cell').count();
  await page.keyboard.press('x');
  await expect(view.getByTestId('kl')).toContainText('nats');
  expect(await number(view, 'Mary', 'ablated')).toBeLessThan(probability / 2);
  // `x` would have cut the cell.
  expect(await page.locator('.jp-NotebookPanel:visible .jp-Cell').count()).toBe(cells);
  expect(await ask(page, 'print(session.interventions)')).toBe(`zero ${HEAD}`);

  const shown = () => at(view, HEAD).getAttribute('class');
  expect(await shown()).toContain('gb-cut');
  await page.keyboard.press('c');
  await expect(view.getByTestId('shown-run')).toContainText('C shows the ablated run');
  await page.keyboard.press('c');

  await page.keyboard.press('Control+z');
  await expect(view.getByTestId('kl')).toBeHidden();
  expect(await numbers(view)).toEqual(clean);
  expect(await focused(page)).toBe(HEAD);
});

test('a key with Ctrl that means nothing here is JupyterLab’s: Ctrl and S save the notebook', async ({ page }) => {
  await newNotebook(page);
  await page.keyboard.press('Enter');
  await page.keyboard.insertText('import glassblock as gb\ngb.unfold("gallery:gpt2")');
  await page.keyboard.press('Shift+Enter');
  const view = page.locator('.jp-NotebookPanel:visible .gb-root').first();
  // Importing torch takes its time.
  await expect(view).toBeVisible({ timeout: 90_000 });
  await at(view, 'unembed').focus();
  await page.keyboard.press('Control+s');
  // JupyterLab asks for a name when a notebook that has none is saved.
  await expect(page.locator('.jp-Dialog')).toContainText('Rename');
});

test('no key does anything to a notebook in command mode', async ({ page }) => {
  const view = await showDemo(page);
  await page.keyboard.press('Escape');
  const cells = page.locator('.jp-NotebookPanel:visible .jp-Cell');
  const count = await cells.count();
  await at(view, HEAD).click();
  await expect(view).toHaveAttribute('data-run-id', '2');
  await expect(page.locator('.jp-Notebook:visible')).toHaveClass(/jp-mod-commandMode/);
  // Cells above and below, two to delete, a Markdown cell, no output, run.
  for (const key of ['a', 'b', 'd', 'd', 'm', 'v', 'Escape', 'Shift+Enter']) await page.keyboard.press(key);
  expect(await focused(page)).toBe(HEAD);
  expect(await cells.count()).toBe(count);
  await page.keyboard.press('x');
  await expect(view).toHaveAttribute('data-run-id', '3');
  expect(await cells.count()).toBe(count);
});
