// From a click on a head to the repainted prediction: page to kernel, one forward pass, and back, as a person waits for it.
import { expect, test } from '@jupyterlab/galata';
import { at } from '../helpers/diagram';
import { newNotebook, runCell } from '../helpers/notebook';

const CLICKS = 30;
const PROMPT = 'When Mary and John went to the store , John gave a drink to';

test('click to repainted prediction', async ({ page }) => {
  await newNotebook(page);
  const output = await runCell(page, `import glassblock as gb\nsession = gb.demo()\nsession.run("${PROMPT}")\nsession`);
  const view = output.locator('.gb-root');
  await expect(view).toHaveAttribute('data-run-id', '1');
  const root = await view.elementHandle();
  const times: number[] = [];
  for (let click = 0; click < CLICKS; click++) {
    const cell = at(view, `L${click % 3}.attn.H${click % 4}`);
    const painted = page.evaluate(
      (element) =>
        new Promise<number>((resolve) => {
          let start = 0;
          element?.addEventListener('click', (event) => (start = event.timeStamp), { capture: true, once: true });
          const seen = new MutationObserver(() => {
            seen.disconnect();
            // The second frame begins when the first, which has the change, was painted.
            requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
          });
          seen.observe(element as Node, { attributes: true, attributeFilter: ['data-run-id'] });
        }),
      root,
    );
    await cell.click();
    times.push(await painted);
    await page.waitForTimeout(150);
  }
  const sorted = [...times].sort((a, b) => a - b);
  const quantile = (q: number) => (sorted[Math.min(CLICKS - 1, Math.ceil(q * CLICKS) - 1)] ?? Number.NaN).toFixed(0);
  console.log(
    `click to repainted prediction, ${CLICKS} clicks: median ${quantile(0.5)} ms, p95 ${quantile(0.95)} ms, ` +
      `range ${(sorted[0] ?? Number.NaN).toFixed(0)} to ${quantile(1)} ms`,
  );
});
