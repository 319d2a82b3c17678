// A live session as a person meets it: the bundled model in a notebook, a click, a changed prediction.
import { expect, test } from '@jupyterlab/galata';
import { showDemo } from '../helpers/demo';
import { at, number, numbers, runShown } from '../helpers/diagram';
import { ask } from '../helpers/kernel';
import { runCell } from '../helpers/notebook';

const HEAD = 'L1.attn.H0';

test('the diagram has every layer, every head and every MLP', async ({ page }) => {
  const view = await showDemo(page);
  for (const layer of [0, 1, 2]) {
    await expect(at(view, `L${layer}.mlp`)).toBeVisible();
    for (const head of [0, 1, 2, 3]) await expect(at(view, `L${layer}.attn.H${head}`)).toBeVisible();
  }
  await expect(at(view, 'embed')).toBeVisible();
  await expect(at(view, 'unembed')).toBeVisible();
});

test('a click on a head changes the prediction, and the same number stands in Python', async ({ page }) => {
  const view = await showDemo(page);
  const clean = await number(view, 'Mary', 'clean');
  await at(view, HEAD).click();
  await expect(view).toHaveAttribute('data-run-id', '2');
  const ablated = await number(view, 'Mary', 'ablated');
  expect(ablated).toBeLessThan(clean / 2);
  await expect(view.getByTestId('kl')).toContainText('nats');
  await expect(view.getByTestId('python-line')).toContainText(`session.ablate("${HEAD}", how="zero")`);
  const inPython = await ask(
    page,
    'r = session.last_run.predictions[0]; print(r.token, repr(r.clean.prob), repr(r.ablated.prob))',
  );
  expect(inPython).toBe(`Mary ${clean} ${ablated}`);
  expect(await ask(page, 'print(session.interventions)')).toBe(`zero ${HEAD}`);
});

test('undo brings back exactly the earlier numbers, redo and restore as well', async ({ page }) => {
  const view = await showDemo(page);
  const before = await numbers(view);
  await at(view, HEAD).click();
  await expect(view).toHaveAttribute('data-run-id', '2');
  const after = await numbers(view);
  expect(after).not.toEqual(before);
  await view.getByTestId('undo').click();
  await expect(view).toHaveAttribute('data-run-id', '3');
  expect(await numbers(view)).toEqual(before);
  await view.getByTestId('redo').click();
  await expect(view).toHaveAttribute('data-run-id', '4');
  expect(await numbers(view)).toEqual(after);
  await view.getByTestId('restore-all').click();
  await expect(view).toHaveAttribute('data-run-id', '5');
  expect(await numbers(view)).toEqual(before);
});

test('several heads and a mean are ablated together', async ({ page }) => {
  const view = await showDemo(page);
  await view.getByTestId('how-mean').click();
  await at(view, HEAD).click();
  await expect(view).toHaveAttribute('data-run-id', '2');
  await at(view, 'L2.mlp').click();
  await expect(view).toHaveAttribute('data-run-id', '3');
  expect(await ask(page, 'print(session.interventions)')).toBe(`mean ${HEAD}, mean L2.mlp`);
});

test('the keyboard does what the mouse does, and the notebook keeps its cells', async ({ page }) => {
  const view = await showDemo(page);
  const cells = await page.locator('.jp-Cell').count();
  await at(view, HEAD).focus();
  await page.keyboard.press('x');
  await expect(view).toHaveAttribute('data-run-id', '2');
  expect(await ask(page, 'print(session.interventions)')).toBe(`zero ${HEAD}`);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(view).toHaveAttribute('data-run-id', '3');
  expect(await ask(page, 'print(len(session.interventions))')).toBe('2');
  expect(await page.locator('.jp-Cell').count()).toBe(cells);
});

test('a prompt is typed, run and continued; generation can be stopped', async ({ page }) => {
  const view = await showDemo(page);
  await view.getByTestId('prompt').fill('the capital of France is');
  await view.getByTestId('run').click();
  await expect(view).toHaveAttribute('data-run-id', '2');
  expect(await number(view, 'Paris', 'clean')).toBeGreaterThan(0.5);
  await view.getByTestId('generate').click();
  await expect(view).toHaveAttribute('data-run-id', '3');
  await expect(view).toContainText('Paris');
  // However fast the model wrote, every token can be gone through, and the run over the whole text after them.
  const written = Number(await ask(page, "print(sum(frame.origin == 'generate' for frame in session.frames))"));
  expect(written).toBe(24);
  const last = async () => Number(await view.getByTestId('time-slider').getAttribute('max'));
  await expect.poll(last).toBeGreaterThanOrEqual(written);
  await expect(view.getByTestId('time-text')).not.toContainText('kept');
  await view.getByTestId('prompt').fill('Mary '.repeat(80));
  await view.getByTestId('run').click();
  await expect(view.getByTestId('alert')).toContainText('expected at most 64 tokens');
});

test('a line of Python shows on the page, in every view of the session', async ({ page }) => {
  const view = await showDemo(page);
  const second = (await runCell(page, 'session')).locator('.gb-root');
  await expect(second).toHaveAttribute('data-run-id', '1');
  await runCell(page, `session.ablate("${HEAD}")`);
  await expect(view).toHaveAttribute('data-run-id', '2');
  await expect(second).toHaveAttribute('data-run-id', '2');
});

test('the page reloads and the widget still answers', async ({ page }) => {
  const view = await showDemo(page);
  await at(view, HEAD).click();
  await expect(view).toHaveAttribute('data-run-id', '2');
  const before = await numbers(view);
  const path = await page.evaluate(async () => {
    const { context } = window.jupyterapp.shell.currentWidget as import('@jupyterlab/notebook').NotebookPanel;
    await context.save();
    return context.path;
  });
  await page.reload({ waitForIsReady: false } as object); // galata would wait for a launcher that is not there
  await page.evaluate((file) => window.jupyterapp.commands.execute('docmanager:open', { path: file }), path);
  const again = page.locator('.jp-NotebookPanel:visible .gb-root');
  await expect(again).toHaveAttribute('data-run-id', '2');
  expect(await numbers(again)).toEqual(before);
  const shown = await runShown(again);
  await again.getByTestId('undo').click();
  await expect(again).toHaveAttribute('data-run-id', String(shown + 1));
});

test.describe('with the kernel itself', () => {
  test.use({ kernels: null } as never); // galata's stand-in for the kernels API does not restart them

  test('the kernel restarts, and the page says that it is dead', async ({ page }) => {
    const view = await showDemo(page);
    await expect(view.getByTestId('banner')).toBeHidden();
    await page.evaluate(async () => {
      const panel = window.jupyterapp.shell.currentWidget as import('@jupyterlab/notebook').NotebookPanel;
      await panel.sessionContext.session?.kernel?.restart();
    });
    await at(view, HEAD).click();
    await expect(view.getByTestId('banner')).toContainText('kernel');
    await expect(view.getByTestId('run')).toBeDisabled();
    await expect(at(view, HEAD)).toBeVisible();
  });
});
