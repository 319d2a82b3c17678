// The main scenes against pictures that a person has looked at. Where one differs on purpose: look at it, then
// `npm run golden` takes them anew.
import { expect, test } from '@playwright/test';
import { withFonts } from '../helpers/fonts';
import { makePages } from '../helpers/pages';
import { SCENES } from '../helpers/scenes';
import { showScene } from '../helpers/show';

const golden = SCENES.filter((scene) => scene.golden);

test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const args = [...(launchOptions.args ?? []), '--font-render-hinting=none', '--force-color-profile=srgb'];
    await use({ ...launchOptions, args, env: withFonts() });
  },
});

test.beforeAll(() => {
  test.setTimeout(300_000);
  makePages(golden.map(({ source }) => source));
});

for (const scene of golden) {
  test(`${scene.name}: ${scene.about}`, async ({ page }) => {
    await expect(await showScene(page, scene)).toHaveScreenshot(`${scene.name}.png`, {
      // Edges of letters and lines may fall on other pixels in another version of the browser.
      maxDiffPixelRatio: 0.003,
      animations: 'disabled',
    });
  });
}
