import type { Locator } from '@playwright/test';

/** The cell or block of the diagram at an address. */
export const at = (view: Locator, address: string): Locator => view.locator(`[data-address="${address}"]`).first();

/** A number of the prediction table, exactly as the page got it. */
export async function number(view: Locator, token: string, column: string): Promise<number> {
  const cell = view.locator(`[data-testid="candidates"] [data-token="${token}"] [data-col="${column}"]`);
  return Number(await cell.getAttribute('data-value'));
}

/** All numbers of the prediction table, in the order of the page. */
export async function numbers(view: Locator): Promise<(string | null)[]> {
  const cells = view.locator('[data-testid="candidates"] [data-col]');
  return cells.evaluateAll((found) => found.map((cell) => cell.getAttribute('data-value')));
}

/** The number of the run that the page shows. */
export const runShown = async (view: Locator): Promise<number> => Number(await view.getAttribute('data-run-id'));
