// Nothing jumps: what a person does in one place of the page moves no other. A stage has a panel of its own; the header and
// the controls keep their place on all of them.
import { expect, type Locator, type Page, test } from '@playwright/test';
import { at } from '../helpers/diagram';
import { makePages, pageOf } from '../helpers/pages';

const PARTS = ['.gb-title', '.gb-controls', '.gb-left', '.gb-panel', '.gb-next', '.gb-ablations', '.gb-heat'] as const;

/** Where the parts are in the page, and how wide they are; of those that are there. */
const placesIn = (page: Page, parts: readonly string[]) =>
  page.evaluate((names) => {
    scrollTo(0, 0);
    return names.flatMap((name) => {
      const box = document.querySelector(name)?.getBoundingClientRect();
      return box && box.width > 0 ? [`${name} at ${box.x}, ${box.y}, ${box.width} wide`] : [];
    });
  }, parts);

const undo = (view: Locator) => view.getByTestId('undo').click();
const stage = (name: string) => (view: Locator) => view.locator(`[data-stage="${name}"]`).last().click();
const heat = (of: string) => (view: Locator) => view.getByTestId('heat-of').selectOption(of);
const press = (keys: string) => (view: Locator) => at(view, 'embed').press(keys);

const ACTS: readonly (readonly [string, (view: Locator) => Promise<unknown>])[] = [
  ['ablating a head', (view) => at(view, 'L1.attn.H0').click()],
  ['ablating another, which takes its place', (view) => at(view, 'L2.attn.H1').click()],
  ['showing the clean run', press('c')],
  ['showing the ablated run', press('c')],
  ['undoing', undo],
  ['undoing again', undo],
  ['choosing several', (view) => at(view, 'L1.attn.H1').click({ modifiers: ['Shift'] })],
  ['choosing none', (view) => view.getByRole('button', { name: 'Clear' }).click()],
  ['the sizes of updates', heat('update')],
  ['cosines', heat('cosine')],
  ['changes', heat('change')],
  ['norms', heat('norm')],
  ['another kind', (view) => view.getByTestId('how-mean').click()],
  ['finding nothing', (view) => view.getByTestId('search').fill('xyzzy')],
  ['finding a block', (view) => view.getByTestId('search').fill('self_attn.q')],
  ['the menu of what to save', (view) => view.getByRole('button', { name: /Export/ }).click()],
  ['the sweep', stage('sweep')],
  ['the experts', stage('experts')],
  ['the diagram', stage('diagram')],
];

test.beforeAll(() => makePages(['demo:moe']));

for (const width of [480, 1100, 1400]) {
  test(`nothing jumps at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 1000 });
    await page.goto(pageOf('demo:moe'));
    const view = page.locator('.gb-root');
    await expect(view).toHaveAttribute('data-run-id', '1');
    const before = await placesIn(page, PARTS);
    expect(before).toHaveLength(PARTS.length);
    for (const [words, act] of ACTS) {
      const otherStage = /^the (sweep|experts)$/.test(words);
      await act(view);
      // What is drawn in the next frame may move, too.
      await page.waitForTimeout(150);
      const there = await placesIn(page, PARTS);
      const kept = otherStage ? 2 : PARTS.length;
      expect(there.slice(0, kept), words).toEqual(before.slice(0, kept));
    }
  });
}
