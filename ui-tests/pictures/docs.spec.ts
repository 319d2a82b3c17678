// The pictures of the docs, taken from exported pages: `npm run pictures`. Run it when the page has changed, and look at them.
// It also writes docs/pictures.md, which shows them all. One alone: `npm run pictures -- --grep "rwkv"`.
import { existsSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { test } from '@playwright/test';
import { makePages } from '../helpers/pages';
import { ARCHITECTURES, LIVE, OPENED, OTHERS, SCENES, type Scene } from '../helpers/scenes';
import { showScene } from '../helpers/show';

const docs = path.resolve(__dirname, '../../docs');

test.beforeAll(() => {
  test.setTimeout(600_000);
  makePages(SCENES.map(({ source }) => source));
});

for (const scene of SCENES) {
  test(`the picture ${scene.name}`, async ({ page }) => {
    const place = await showScene(page, scene);
    await place.screenshot({ path: path.join(docs, 'images', `${scene.name}.png`) });
  });
}

const section = (title: string, scenes: readonly Scene[]) => [
  `## ${title}`,
  '',
  ...scenes
    .filter(({ name }) => existsSync(path.join(docs, 'images', `${name}.png`)))
    .flatMap(({ name, about }) => [
      `${about[0]?.toUpperCase()}${about.slice(1)}:`,
      '',
      `![${about}](images/${name}.png)`,
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
