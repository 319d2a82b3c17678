// The notebook that a new user opens first, run from top to bottom.
import * as path from 'node:path';
import { expect, test } from '@jupyterlab/galata';
import { at } from '../helpers/diagram';
import { newNotebook, runCell } from '../helpers/notebook';

const NOTEBOOK = path.resolve(__dirname, '../../examples/start_here.ipynb');

test('the notebook runs, and shows what it says', async ({ page, tmpPath }) => {
  await page.contents.uploadFile(NOTEBOOK, `${tmpPath}/start_here.ipynb`);
  await page.evaluate(
    (file) => window.jupyterapp.commands.execute('docmanager:open', { path: file }),
    `${tmpPath}/start_here.ipynb`,
  );
  await page.evaluate(async () => {
    const panel = window.jupyterapp.shell.currentWidget as import('@jupyterlab/notebook').NotebookPanel;
    await panel.sessionContext.ready;
    await window.jupyterapp.commands.execute('notebook:run-all-cells');
  });
  const notebook = page.locator('.jp-NotebookPanel:visible');
  await expect(notebook).toContainText('Restored: Mary True', { timeout: 60_000 });
  await expect(notebook).toContainText('glassblock-demo.html');
  await expect(notebook.locator('[data-mime-type="application/vnd.jupyter.stderr"]')).toHaveCount(0);
  await expect(at(notebook.locator('.gb-root'), 'L2.attn.H3')).toBeAttached();
});

test('figures of an architecture stand side by side, whatever the notebook makes of lists', async ({ page }) => {
  await newNotebook(page);
  const output = await runCell(page, 'import glassblock as gb\ngb.unfold("gallery:gpt2")');
  const figures = output.locator('.gb-figures dd');
  await expect(figures.nth(1)).toBeVisible();
  const tops = await figures.evaluateAll((all) => all.map((one) => Math.round(one.getBoundingClientRect().top)));
  expect(tops.length).toBeGreaterThan(2);
  expect(new Set(tops).size).toBe(1);
});
