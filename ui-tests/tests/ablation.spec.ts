// Ablation as a person does it on a live session: another kind after the click, several at once, the clean run, a sweep.
import { expect, test } from '@jupyterlab/galata';
import type { Locator } from '@playwright/test';
import { showDemo } from '../helpers/demo';
import { at, numbers } from '../helpers/diagram';
import { ask } from '../helpers/kernel';

const HEAD = 'L1.attn.H0';

test('another kind takes the place of the first in one step, from the menu, the facts and the table', async ({
  page,
}) => {
  const view = await showDemo(page);
  const clean = await numbers(view);
  await at(view, HEAD).click();
  await expect.poll(() => numbers(view)).not.toEqual(clean);
  const zero = await numbers(view);
  await at(view, HEAD).click({ button: 'right' });
  await view.getByRole('menuitemradio', { name: 'mean' }).click();
  await expect.poll(() => numbers(view)).not.toEqual(zero);
  expect(await ask(page, 'print(session.interventions, len(session.history.steps))')).toBe(`mean ${HEAD} 2`);
  await view.getByTestId('ablated').getByRole('combobox').selectOption('noise');
  await expect.poll(() => ask(page, 'print(session.interventions)')).toBe(`noise ${HEAD}`);
  await view.locator('.gb-kinds [data-kind="zero"]').click();
  await expect.poll(() => numbers(view)).toEqual(zero);
  await expect(view.getByTestId('python-line')).toContainText(`session.change("${HEAD}", how="zero")`);
});

test('several are chosen, ablated and undone as one, with the mouse and the keyboard', async ({ page }) => {
  const view = await showDemo(page);
  const clean = await numbers(view);
  await at(view, HEAD).click({ modifiers: ['Shift'] });
  await page.keyboard.press('Shift+ArrowRight');
  await at(view, 'L2.mlp').click({ modifiers: ['ControlOrMeta'] });
  await expect(view.locator('.gb-chosen-bar')).toContainText('3 chosen');
  await view.getByTestId('chosen-ablate').click();
  await expect.poll(() => numbers(view)).not.toEqual(clean);
  expect(await ask(page, 'print(session.history.steps[-1].python)')).toBe(
    `session.ablate("${HEAD}", "L1.attn.H1", "L2.mlp", how="zero")`,
  );
  await expect(view.getByTestId('ablated').locator('tbody tr')).toHaveCount(3);
  await at(view, HEAD).focus();
  await page.keyboard.press('Control+z');
  await expect.poll(() => numbers(view)).toEqual(clean);
});

test('the view is as wide as its cell, however long its history is', async ({ page }) => {
  const view = await showDemo(page);
  const width = () => view.evaluate((root) => root.getBoundingClientRect().width);
  const empty = await width();
  for (const how of ['mean', 'noise', 'zero', 'mean', 'noise', 'zero', 'mean', 'noise', 'zero', 'mean']) {
    await ask(page, `session.ablate("${HEAD}", "L1.attn.H1", "L2.mlp", how="${how}")`);
  }
  await expect(view.locator('.gb-step-chip')).toHaveCount(11);
  expect(await width()).toBe(empty);
});

/** Scroll the notebook until so much of the view, 0 to 1, is above the top of what is seen. */
const scrollTo = (view: Locator, share: number) =>
  view.evaluate((root, of) => {
    const notebook = root.closest('.jp-WindowedPanel-outer');
    const { top, height } = root.getBoundingClientRect();
    notebook?.scrollBy(0, top + of * height - notebook.getBoundingClientRect().top);
  }, share);

for (const [cell, scrolled] of [
  ['as high as what it shows', false],
  ['that scrolls by itself', true],
] as const) {
  test(`what is done with several is in reach wherever one has scrolled to, in a cell ${cell}`, async ({ page }) => {
    await page.setViewportSize({ width: 1100, height: 620 });
    const view = await showDemo(page);
    if (scrolled) await page.evaluate(() => window.jupyterapp.commands.execute('notebook:enable-output-scrolling'));
    await at(view, HEAD).click({ modifiers: ['Shift'] });
    await page.keyboard.press('Shift+ArrowRight');
    for (const share of scrolled ? [0] : [-0.2, 0, 0.3, 0.6]) {
      await scrollTo(view, share);
      await expect(view.getByTestId('chosen-ablate')).toBeInViewport({ ratio: 1 });
    }
    await view.getByTestId('chosen-ablate').click();
    await expect(view.getByTestId('ablated').locator('tbody tr')).toHaveCount(2);
  });
}

test('C shows the clean run and says so', async ({ page }) => {
  const view = await showDemo(page);
  const label = () => at(view, 'L2.mlp').getAttribute('aria-label');
  const clean = await label();
  await at(view, HEAD).click();
  await expect.poll(label).toMatch(/off the clean run/);
  await page.keyboard.press('c');
  await expect.poll(label).toBe(clean);
  await expect(view.getByTestId('shown-run')).toContainText('C shows the ablated run');
  await page.keyboard.press('c');
  await expect.poll(label).toMatch(/off the clean run/);
});

test('a sweep finds what Python finds, and a block is ablated from there', async ({ page }) => {
  const view = await showDemo(page);
  await view.getByRole('radio', { name: 'Sweep' }).click();
  await view.getByTestId('sweep').click();
  await expect(view.getByTestId('sweep-done')).toHaveText('18 of 18 exact');
  const first = view.getByTestId('effects').locator('tbody tr').first();
  const address = await first.getAttribute('data-address');
  const effect = await first.locator('[data-col="effect"]').getAttribute('data-value');
  const inPython = 'top = next(iter(session.sweep().top(1))); print(top.address, repr(top.effect))';
  expect(await ask(page, inPython)).toBe(`${address} ${effect}`);
  expect(await ask(page, 'print(len(session.interventions))')).toBe('0');
  await first.getByRole('button').click();
  await view.getByTestId('sweep-ablate').click();
  await expect(view.getByTestId('ablated')).toContainText(`${address}`);
  expect(await ask(page, 'print(session.interventions)')).toBe(`zero ${address}`);
});
