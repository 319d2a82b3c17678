// The plugin alone, with a stand-in for the diagram: any widget whose text begins with the project's name.
import { expect, test } from '@jupyterlab/galata';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { newNotebook, runCell } from '../helpers/notebook';
import { openPanel } from '../helpers/panel';

const STAND_IN = `
import anywidget, traitlets

class StandIn(anywidget.AnyWidget):
    name = traitlets.Unicode().tag(sync=True)
    clicks = traitlets.Int(0).tag(sync=True)
    _esm = '''
    export default { render({ model, el }) {
      const button = document.createElement('button');
      const show = () => { button.textContent = model.get('name') + ' ' + model.get('clicks'); };
      model.on('change', show);
      button.onclick = () => { model.set('clicks', model.get('clicks') + 1); model.save_changes(); };
      show();
      el.append(button);
    } };
    '''
    def __repr__(self):
        return f'Glassblock stand-in {self.name}'
`;

test('without a diagram, the side panel says how to get one', async ({ page }) => {
  await newNotebook(page);
  const panel = await openPanel(page);
  await expect(panel).toContainText('shows no Glassblock diagram yet');
});

test('the side panel has a second live view of the diagram', async ({ page }) => {
  await newNotebook(page);
  await runCell(page, STAND_IN);
  const output = await runCell(page, "StandIn(name='first')");
  const panel = await openPanel(page);
  await panel.getByRole('button', { name: 'first 0' }).click();
  await expect(output.getByRole('button')).toHaveText('first 1');
});

test('the side panel follows the cell that ran last, and the notebook', async ({ page }) => {
  await newNotebook(page);
  const panel = await openPanel(page);
  await runCell(page, STAND_IN);
  await runCell(page, "StandIn(name='first')");
  await expect(panel.getByRole('button')).toHaveText('first 0');
  await runCell(page, "StandIn(name='second')");
  await expect(panel.getByRole('button')).toHaveText('second 0');
  await newNotebook(page);
  await expect(panel).toContainText('shows no Glassblock diagram yet');
});

test('the command is in the palette', async ({ page }) => {
  await page.keyboard.press('Control+Shift+C');
  await page.locator('.lm-CommandPalette input').fill('glassblock');
  await page.getByText('Glassblock: show the diagram beside the notebook').click();
  await expect(page.locator('#glassblock-panel')).toContainText('Open a notebook');
});

test('a notebook that is opened again shows the saved picture, and the diagram once its cell is run', async ({
  page,
}) => {
  await newNotebook(page);
  await runCell(page, 'import glassblock as gb\ngb.unfold("gallery:gpt2")');
  const notebook = page.locator('.jp-NotebookPanel:visible');
  await expect(notebook.locator('.gb-root')).toBeVisible();
  const path = await page.evaluate(async () => {
    const panel = window.jupyterapp.shell.currentWidget as NotebookPanel;
    await panel.context.save();
    await panel.sessionContext.shutdown();
    panel.close();
    return panel.context.path;
  });
  await page.evaluate(async (file) => {
    await window.jupyterapp.commands.execute('docmanager:open', { path: file });
  }, path);
  const picture = notebook.getByRole('img', { name: 'Glassblock diagram of GPT-2' });
  await expect(picture).toBeVisible();
  // It was drawn, not only put there.
  expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(300);
  await expect(notebook).not.toContainText('Error displaying widget');
  await page.evaluate(async () => {
    const { content, sessionContext } = window.jupyterapp.shell.currentWidget as NotebookPanel;
    await sessionContext.ready;
    content.activeCellIndex = content.widgets.length - 1;
    await window.jupyterapp.commands.execute('notebook:run-cell');
  });
  await expect(notebook.locator('.gb-root')).toBeVisible();
  await expect(picture).toBeHidden();
});
