// What the tests do in a notebook, through JupyterLab's own commands. galata would type the code into the editor, which
// indents it a second time.
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Locator } from '@playwright/test';

/** Open a new notebook in the test's folder and wait for its kernel. */
export async function newNotebook(page: IJupyterLabPageFixture): Promise<void> {
  await page.evaluate(async () => {
    const { commands } = window.jupyterapp;
    const panel: NotebookPanel = await commands.execute('notebook:create-new', { kernelName: 'python3' });
    await panel.revealed;
    await panel.sessionContext.ready;
  });
}

/** Append a code cell, run it to its end (or only start it), and return where its output appears. */
export async function runCell(page: IJupyterLabPageFixture, code: string, wait = true): Promise<Locator> {
  const index = await page.evaluate(
    async ([source, toEnd]) => {
      const { shell, commands } = window.jupyterapp;
      const { content } = shell.currentWidget as NotebookPanel;
      content.model?.sharedModel.addCell({ cell_type: 'code', source });
      content.activeCellIndex = content.widgets.length - 1;
      const end = commands.execute('notebook:run-cell');
      if (toEnd) await end;
      return content.activeCellIndex;
    },
    [code, wait] as const,
  );
  return page.locator('.jp-NotebookPanel:visible .jp-Cell').nth(index).locator('.jp-OutputArea');
}
