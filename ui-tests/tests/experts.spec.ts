// Experts as a person meets them: which of them a token used, what goes when one is ablated, and who took over.
import { expect, type IJupyterLabPageFixture, test } from '@jupyterlab/galata';
import type { Locator } from '@playwright/test';
import { showDemo } from '../helpers/demo';
import { ask } from '../helpers/kernel';

/** Show the bundled mixture of experts in a new notebook, with one prompt run, and its experts on the stage. */
async function showExperts(page: IJupyterLabPageFixture): Promise<Locator> {
  const view = await showDemo(page, 'moe');
  await view.getByRole('radio', { name: 'Experts' }).click();
  return view;
}

/** Tokens that each expert of a layer got, as Python counts them. */
const loads = async (page: IJupyterLabPageFixture, layer: number): Promise<number[]> =>
  JSON.parse(await ask(page, `print(session.cache("L${layer}.moe.load")["L${layer}.moe.load"].int().tolist())`));

/** A column of the selected layer's table, as numbers. */
const column = async (view: Locator, of: number): Promise<number[]> =>
  (await view.locator(`.gb-ex-table tbody tr > :nth-child(${of})`).allTextContents()).map(Number);

test('which experts a token used, who goes when one is ablated, and who took over', async ({ page }) => {
  const view = await showExperts(page);
  await view.locator('.gb-ex-table > summary').click();
  const cell = view.locator('.gb-ex-cell');
  await cell.focus();
  await page.keyboard.press('Home');
  await expect(view.locator('.gb-expert-name')).toHaveText('L1.moe.E0');
  expect(await column(view, 2)).toEqual(await loads(page, 1));

  const [experts = '', weights = ''] = (
    await ask(
      page,
      'c = session.cache("L1.moe.indices", "L1.moe.weights")\n' +
        'print(c["L1.moe.indices"][-1].tolist(), c["L1.moe.weights"][-1].tolist(), sep=";")',
    )
  ).split(';');
  const [heaviest, other] = JSON.parse(experts) as number[];
  const [most = 0, less = 0] = JSON.parse(weights) as number[];
  const told = view.locator('.gb-ex-names > :last-child');
  await expect(told).toHaveAttribute(
    'aria-label',
    `to, token 14: E${heaviest} ${most.toFixed(2)}, E${other} ${less.toFixed(2)}`,
  );

  await cell.focus();
  await page.keyboard.press('x');
  await expect(view).toHaveAttribute('data-run-id', '2');
  await expect(view.getByTestId('expert-action')).toHaveText('Restore');
  expect(await ask(page, 'print(session.interventions)')).toBe('zero L1.moe.E0');
  // Its own router does not know of it: the layer above is the first whose tokens may go elsewhere.
  await expect(view.locator('.gb-ex-moved')).toHaveText('the same as in the clean run');
  await page.keyboard.press('ArrowUp');
  await expect(view.locator('.gb-expert-name')).toHaveText('L2.moe.E0');
  const [now, before] = [await column(view, 2), await column(view, 6)];
  expect(now).toEqual(await loads(page, 2));
  await ask(page, 'session.restore()');
  expect(before).toEqual(await loads(page, 2));
  expect(now).not.toEqual(before);
});
