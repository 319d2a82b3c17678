/** A bundled model in a notebook, as most tests of a live session begin. */
import { expect, type IJupyterLabPageFixture } from '@jupyterlab/galata';
import type { Locator } from '@playwright/test';
import { newNotebook, runCell } from './notebook';

export const PROMPT = 'When Mary and John went to the store , John gave a drink to';

/** Show a bundled model in a new notebook, with one prompt run. */
export async function showDemo(page: IJupyterLabPageFixture, model = 'gpt'): Promise<Locator> {
  await newNotebook(page);
  const code = `import glassblock as gb\nsession = gb.demo("${model}")\nsession.run("${PROMPT}")\nsession`;
  const view = (await runCell(page, code)).locator('.gb-root');
  await expect(view).toHaveAttribute('data-run-id', '1');
  return view;
}
