import { expect, test } from '@jupyterlab/galata';
import { openPanel } from '../helpers/panel';

test('without a diagram, the side panel says how to get one', async ({ page }) => {
  await page.notebook.createNew();
  const panel = await openPanel(page);
  await expect(panel).toContainText('shows no Glassblock diagram yet');
});
