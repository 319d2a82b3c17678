import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Locator } from '@playwright/test';

/** Open the side panel through the command palette's command, and return it. */
export async function openPanel(page: IJupyterLabPageFixture): Promise<Locator> {
  await page.evaluate(() => window.jupyterapp.commands.execute('glassblock:open-panel'));
  return page.locator('#glassblock-panel');
}
