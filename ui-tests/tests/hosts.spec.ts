// The view where other hosts put it: VS Code's webview with its classes, variables and rules for outputs, and a shadow root
// in a page without margins, as marimo has it. No kernel is needed. What was tried in the hosts themselves: docs/hosts.md.
import { readFileSync } from 'node:fs';
import { expect, type Locator, type Page, test } from '@playwright/test';
import { fixture, openHarness } from '../harness';

interface Host {
  readonly body?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Rules of the host's. */
  readonly css?: string;
  /** Classes of what the view is put into. */
  readonly output?: string;
  readonly shadow?: boolean;
}

type InPage = typeof globalThis & {
  harness: { StandIn: new (traits: unknown) => { sent: { method?: string }[] } };
  model: { sent: { method?: string }[] };
  left: string[];
};

/** Put a live view into a page as a host has it. */
async function host(page: Page, { body = '', variables = {}, css = '', output = '', shadow = false }: Host) {
  await openHarness(page);
  await page.evaluate(
    async ([traits, given]) => {
      const here = globalThis as InPage;
      const { default: makeWidget } = await import('/widget.js' as string);
      document.body.className = given.body;
      for (const [name, value] of Object.entries(given.variables))
        document.documentElement.style.setProperty(name, value);
      const place = document.createElement('div');
      place.className = given.output;
      document.body.append(place);
      const into = given.shadow ? place.attachShadow({ mode: 'open' }) : place;
      const style = document.createElement('style');
      style.textContent = given.css;
      (given.shadow ? into : document.head).append(style);
      if (given.shadow) {
        const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: '/widget.css' });
        into.append(link);
        document.querySelector('link')?.remove();
        await new Promise((done) => link.addEventListener('load', done));
      }
      const el = document.createElement('div');
      into.append(el);
      here.left = [];
      window.addEventListener('keydown', ({ key }) => here.left.push(key));
      here.model = new here.harness.StandIn(traits);
      const send = here.model as unknown as { send(message: { method?: string }): void };
      const answered = send.send.bind(here.model);
      send.send = (message) => {
        here.model.sent.push(message);
        answered(message);
      };
      const widget = makeWidget();
      const signal = new AbortController().signal;
      widget.initialize({ model: here.model, signal });
      widget.render({ model: here.model, el, signal });
    },
    [fixture('gpt'), { body, variables, css, output, shadow }] as const,
  );
  return page.locator('.gb-root');
}

const asked = (page: Page, method: string) =>
  page.evaluate((name) => (globalThis as InPage).model.sent.filter((one) => one.method === name).length, method);

/** The contrast of an element's text against the ground of the view, as WCAG counts it. */
const contrast = (view: Locator, selector: string) =>
  view.evaluate((root, name) => {
    const bright = (colour: string) => {
      const parts = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) / 255);
      const [r = 0, g = 0, b = 0] = parts.map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const text = root.querySelector(name);
    if (!text) throw new Error(`expected ${name} in the view`);
    const [a, b] = [bright(getComputedStyle(text).color), bright(getComputedStyle(root).backgroundColor)];
    return Math.max(a, b) / Math.min(a, b);
  }, selector);

const ground = (of: Locator) => of.evaluate((element) => getComputedStyle(element).backgroundColor);

// What the widgets' own style says in VS Code, whatever its theme is.
const WIDGETS = ':root { --jp-layout-color0: white; --jp-ui-font-color1: rgba(0, 0, 0, 0.8); }';
const OUTPUT = 'cell-output-ipywidget-background';
const OUTLINES = `.${OUTPUT} [tabindex="0"]:focus { outline: 2px solid red !important; }`;
const WHITE = `.${OUTPUT} { background: white !important; }`;
const vscode = (kind: string, background: string): Host => ({
  body: kind,
  variables: { '--vscode-editor-background': background },
  css: `${WIDGETS} ${OUTLINES} ${WHITE}`,
  output: OUTPUT,
});

for (const [kind, background, theme] of [
  ['vscode-dark', 'rgb(31, 31, 31)', 'dark'],
  ['vscode-light', 'rgb(255, 255, 255)', 'light'],
  ['vscode-high-contrast', 'rgb(0, 0, 0)', 'dark'],
] as const) {
  test(`stands on the editor’s ground and can be read: ${kind}`, async ({ page }) => {
    // The system's own theme is another one.
    await page.emulateMedia({ colorScheme: theme === 'dark' ? 'light' : 'dark' });
    const view = await host(page, vscode(kind, background));
    // The class alone says nothing of a high contrast's theme: the kind does.
    await page.evaluate((name) => document.body.setAttribute('data-vscode-theme-kind', name), kind);
    await expect(view).toHaveAttribute('data-theme', theme);
    expect(await ground(view)).toBe(background);
    expect(await ground(page.locator(`.${OUTPUT}`))).toBe('rgba(0, 0, 0, 0)');
    for (const text of ['h1', '.gb-about', '.gb-sub']) expect(await contrast(view, text)).toBeGreaterThan(4.5);
  });
}

test('in VS Code a click leaves no outline of the host’s, and no key leaves the view', async ({ page }) => {
  const view = await host(page, vscode('vscode-dark', 'rgb(31, 31, 31)'));
  const head = view.locator('[data-address="L1.attn.H2"]');
  await head.click();
  expect(await head.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe('none');
  await page.keyboard.press('x');
  for (const key of ['d', 'd', 'a', 'Enter', 'Escape']) await page.keyboard.press(key);
  await view.getByTestId('prompt').click();
  await page.keyboard.type('dd');
  expect(await page.evaluate(() => (globalThis as InPage).left)).toEqual([]);
  await page.keyboard.press('F1');
  expect(await page.evaluate(() => (globalThis as InPage).left)).toEqual(['F1']);
});

test('in a webview a picture is a link that is clicked within the page: the host asks where to put it', async ({
  page,
}) => {
  const view = await host(page, vscode('vscode-dark', 'rgb(31, 31, 31)'));
  const clicked = page.evaluate(
    () =>
      new Promise<string>((done) => {
        document.body.addEventListener('click', (event) => {
          if (!(event.target instanceof HTMLAnchorElement)) return;
          event.preventDefault();
          done(`${event.target.protocol} ${event.target.download}`);
        });
      }),
  );
  await view.getByRole('button', { name: 'Export' }).click();
  await view.getByRole('menuitem', { name: /SVG/ }).click();
  expect(await clicked).toMatch(/^blob: .+\.svg$/);
});

test.describe('in a shadow root', () => {
  const MARIMO: Host = { shadow: true, css: '*, ::before, ::after { margin: 0; padding: 0; }' };

  test('blocks are clicked and walked through, and Escape closes one thing at a time', async ({ page }) => {
    const view = await host(page, MARIMO);
    await view.locator('[data-address="L1.attn.H2"]').click();
    await expect.poll(() => asked(page, 'ablate')).toBe(1);
    await page.keyboard.press('ArrowLeft');
    const focused = () => view.evaluate((root) => (root.getRootNode() as ShadowRoot).activeElement?.ariaLabel ?? '');
    await expect.poll(focused).toContain('L1.attn.H1');
    const tooltip = view.getByRole('tooltip');
    await expect(tooltip).toContainText('L1.attn.H1');
    await page.keyboard.press('Escape');
    await expect(tooltip).toBeHidden();
    // What was selected still is: the tooltip alone was closed.
    await expect(view.locator('.gb-hit.gb-selected')).toHaveAttribute('data-address', 'L1.attn.H2');
    expect(await page.evaluate(() => (globalThis as InPage).left)).toEqual([]);
  });

  test('menus are gone through with arrows, and the sheet of keys is in the middle', async ({ page }) => {
    const view = await host(page, MARIMO);
    const active = () => view.evaluate((root) => (root.getRootNode() as ShadowRoot).activeElement?.textContent ?? '');
    await view.getByRole('button', { name: 'Export' }).focus();
    await page.keyboard.press('ArrowDown');
    await expect.poll(active).toContain('SVG');
    await page.keyboard.press('ArrowDown');
    await expect.poll(active).toContain('PNG');
    await page.keyboard.press('Escape');
    await expect.poll(active).toContain('Export');
    await page.keyboard.press('?');
    const sheet = await view.locator('dialog').boundingBox();
    const width = page.viewportSize()?.width ?? 0;
    expect(Math.abs((sheet?.x ?? 0) * 2 + (sheet?.width ?? 0) - width)).toBeLessThan(24);
  });

  test('a picture has the colours of the page', async ({ page }) => {
    const view = await host(page, MARIMO);
    await view.getByRole('button', { name: 'Export' }).click();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      view.getByRole('menuitem', { name: /SVG/ }).click(),
    ]);
    const svg = readFileSync(await file.path(), 'utf8');
    // The kinds of blocks, in the light theme's colours.
    for (const colour of ['#4f4fcb', '#0a7467']) expect(svg).toContain(colour);
  });
});
