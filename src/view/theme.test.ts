import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchTheme } from './theme';

let stop = new AbortController();

beforeEach(() => {
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  document.body.replaceChildren();
  for (const element of [document.body, document.documentElement]) {
    for (const name of element.getAttributeNames()) element.removeAttribute(name);
  }
});

/** A view in a page that is told what it is by attributes of its body and its root element. */
function view(body: Record<string, string> = {}, html: Record<string, string> = {}, into: ParentNode = document.body) {
  for (const [name, value] of Object.entries(body)) document.body.setAttribute(name, value);
  for (const [name, value] of Object.entries(html)) document.documentElement.setAttribute(name, value);
  const root = document.createElement('div');
  into.append(root);
  watchTheme(root, stop.signal);
  return root;
}

it.each([
  ['JupyterLab, dark', { 'data-jp-theme-light': 'false' }, {}, 'dark'],
  ['JupyterLab, light', { 'data-jp-theme-light': 'true' }, {}, 'light'],
  ['VS Code, dark', { 'data-vscode-theme-kind': 'vscode-dark', class: 'vscode-dark' }, {}, 'dark'],
  ['VS Code, light', { 'data-vscode-theme-kind': 'vscode-light', class: 'vscode-light' }, {}, 'light'],
  ['VS Code, high contrast', { 'data-vscode-theme-kind': 'vscode-high-contrast' }, {}, 'dark'],
  ['VS Code, light high contrast', { 'data-vscode-theme-kind': 'vscode-high-contrast-light' }, {}, 'light'],
  ['marimo', { class: 'dark dark-theme', 'data-theme': 'dark' }, {}, 'dark'],
  ['Colab', {}, { theme: 'dark' }, 'dark'],
  ['a site', {}, { 'data-theme': 'dark' }, 'dark'],
  ['a site that says nothing', { style: 'background-color: rgb(20, 22, 26)' }, {}, 'dark'],
  ['a light site that says nothing', { style: 'background-color: rgb(250, 250, 250)' }, {}, 'light'],
])('follows %s', (_, body, html, theme) => {
  expect(view(body as Record<string, string>, html as Record<string, string>).dataset.theme).toBe(theme);
});

it('knows VS Code’s high contrast', () => {
  const classes = ['vscode-dark', 'vscode-high-contrast', 'vscode-high-contrast-light vscode-high-contrast'];
  const strong = classes.map((name) => view({ class: name }).hasAttribute('data-contrast'));
  expect(strong).toEqual([false, true, true]);
});

it('sees the ground behind a shadow root', () => {
  const outer = document.body.appendChild(document.createElement('div'));
  outer.style.backgroundColor = 'rgb(16, 18, 20)';
  const shadow = outer.appendChild(document.createElement('div')).attachShadow({ mode: 'open' });
  const root = document.createElement('div');
  shadow.append(root);
  watchTheme(root, stop.signal);
  expect(root.dataset.theme).toBe('dark');
  expect(root.style.getPropertyValue('--gb-ground')).toBe('rgb(16, 18, 20)');
});

it('brings a ground of its own where its text could not be read on what it was given', () => {
  const root = document.body.appendChild(document.createElement('div'));
  // Widgets outside of Jupyter: their style says that the ground is white, the page is dark.
  document.body.className = 'dark';
  root.style.backgroundColor = 'rgb(255, 255, 255)';
  watchTheme(root, stop.signal);
  expect(root.dataset.ground).toBe('own');
});

it('follows a host that changes its mind, until it is told to stop', async () => {
  const root = view({ 'data-jp-theme-light': 'true' });
  document.body.dataset.jpThemeLight = 'false';
  await new Promise((done) => setTimeout(done));
  expect(root.dataset.theme).toBe('dark');
  stop.abort();
  document.body.dataset.jpThemeLight = 'true';
  await new Promise((done) => setTimeout(done));
  expect(root.dataset.theme).toBe('dark');
});
