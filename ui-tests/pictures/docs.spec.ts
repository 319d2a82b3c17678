// The pictures of the docs, taken from exported pages: `npm run pictures`. Run it when the page has changed, and look at them.
// It also writes docs/pictures.md, which shows them all. One alone: `npm run pictures -- --grep "rwkv"`.
import { existsSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { type Page, test } from '@playwright/test';
import { makePages } from '../helpers/pages';
import { ARCHITECTURES, LIVE, OPENED, OTHERS, SCENES, type Scene } from '../helpers/scenes';
import { showScene } from '../helpers/show';

const docs = path.resolve(__dirname, '../../docs');

test.beforeAll(() => {
  test.setTimeout(600_000);
  makePages(SCENES.map(({ source }) => source));
});

/** The same picture in half of the bytes; a browser writes WebP itself. */
async function asWebp(page: Page, png: Buffer): Promise<Buffer> {
  const written = await page.evaluate(
    async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width, image.height];
      canvas.getContext('2d')?.drawImage(image, 0, 0);
      return canvas.toDataURL('image/webp', 0.8);
    },
    `data:image/png;base64,${png.toString('base64')}`,
  );
  return Buffer.from(written.slice(written.indexOf(',') + 1), 'base64');
}

for (const scene of SCENES) {
  test(`the picture ${scene.name}`, async ({ page }) => {
    const place = await showScene(page, scene);
    writeFileSync(path.join(docs, 'images', `${scene.name}.webp`), await asWebp(page, await place.screenshot()));
  });
}

const section = (title: string, scenes: readonly Scene[]) => [
  `## ${title}`,
  '',
  ...scenes
    .filter(({ name }) => existsSync(path.join(docs, 'images', `${name}.webp`)))
    .flatMap(({ name, about }) => [
      `${about[0]?.toUpperCase()}${about.slice(1)}:`,
      '',
      `![${about}](images/${name}.webp)`,
      '',
    ]),
];

test('the page that shows them', () => {
  const text = [
    '# Pictures',
    '',
    'Taken in a real browser by `npm run pictures` (in `ui-tests/`), which also writes this page.',
    '',
    ...section('Live', LIVE),
    ...section('Architectures', ARCHITECTURES),
    ...section('Inside of blocks', OPENED),
    ...section('Widths, dark, comparisons', OTHERS),
  ];
  writeFileSync(path.join(docs, 'pictures.md'), `${text.join('\n').trimEnd()}\n`);
});
