/** A scene on a page: opened, brought to where it is to be seen, and still. */
import type { Locator, Page } from '@playwright/test';
import { pageOf } from './pages';
import type { Scene } from './scenes';

/** Until nothing moves any more: a wire that is being cut, a panel that opens. */
async function still(page: Page): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(async () => {
    const running = () => document.getAnimations().filter((one) => one.playState === 'running');
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let i = 0; i < 120 && running().length > 0; i++) await frame();
    await frame();
  });
  await page.waitForTimeout(300);
}

export async function showScene(page: Page, scene: Scene): Promise<Locator> {
  const { width = 1100, height = 900, dark = false } = scene;
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
  await page.setViewportSize({ width, height });
  await page.goto(pageOf(scene.source));
  const view = page.locator('.gb-root').first();
  await view.waitFor();
  await scene.act?.(view, page);
  await still(page);
  return page.locator('#glassblock');
}
