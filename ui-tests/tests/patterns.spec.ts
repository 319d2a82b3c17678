// Attention patterns of a live session: a head is opened, a weight is read, and the same number stands in Python.
import { expect, test } from '@jupyterlab/galata';
import { showDemo } from '../helpers/demo';
import { at } from '../helpers/diagram';
import { ask } from '../helpers/kernel';

const STOOD_IN = 'print(sum("forward" in vars(module) for module in session.model.modules()))';

test('a head is opened, its weights are read with the keys, and closing leaves nothing on the model', async ({
  page,
}) => {
  const view = await showDemo(page);
  const before = await ask(page, STOOD_IN);

  // Selected, and nothing ablated: the patterns of the run that was made before are there at once.
  await at(view, 'L2.attn.H1').click({ modifiers: ['Alt'] });
  const patterns = view.getByTestId('patterns');
  await expect(patterns.getByRole('button', { name: /^H1;/ })).toBeVisible();
  await expect(view).toHaveAttribute('data-run-id', '1');
  expect(await ask(page, STOOD_IN)).not.toBe(before);

  await patterns.getByRole('button', { name: /^H1;/ }).focus();
  await page.keyboard.press('Enter');
  await expect(patterns.getByRole('group', { name: /^Pattern of L2.attn.H1: 15 queries, 15 keys/ })).toBeFocused();
  for (let i = 0; i < 20; i++) await page.keyboard.press('ArrowLeft');
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowUp']) await page.keyboard.press(key);
  const says = patterns.getByTestId('pattern-says');
  const inPython = 'session.last_run.frames[0].shown["L2.attn.pattern"][0][1, 13, 2]';
  const weight = Number(await ask(page, `print(float(${inPython}))`));
  await expect(says).toContainText('drink → Mary');
  const shown = Number(await patterns.getByTestId('pattern-value').textContent());
  expect(Math.abs(shown - weight)).toBeLessThan(0.0056);

  // What comes after an ablated head has changed, and it is said how.
  await at(view, 'L1.attn.H0').click();
  await at(view, 'L2.attn.H1').click({ modifiers: ['Alt'] });
  await patterns.getByRole('button', { name: 'difference' }).click();
  await expect(patterns.getByRole('button', { name: /^H1; .* of its weight moved/ })).toBeVisible();

  await page.keyboard.press('Escape');
  await ask(page, 'session.restore()');
  await at(view, 'L0.mlp').click({ modifiers: ['Alt'] });
  await expect(patterns).toBeHidden();
  await expect.poll(() => ask(page, STOOD_IN)).toBe(before);
});
