/**
 * Dark or light, as the host is: as it says itself, else as the ground behind the view is, else as the system is. The
 * host's ground is taken where the view's text can be read on it: a page that is none of Jupyter's may have got Jupyter's
 * light colours from the widgets' own style, whatever the page's are.
 */
import type { Theme } from '../state/local';
import { luminance } from './colour';

const DARK = '(prefers-color-scheme: dark)';
const CONTRAST = '(prefers-contrast: more)';
/** The colours are the person's own: then ours are not asked for. */
const FORCED = '(forced-colors: active)';
/** On a ground up to here, and from there, labels have a contrast of 4.5. */
const DARKEST_LIGHT = 0.65;
const LIGHTEST_DARK = 0.05;

const asked = (query: string) => globalThis.matchMedia?.(query).matches ?? false;

/** What the host says: JupyterLab and nbconvert, VS Code, then marimo, Colab, and sites. */
function said(): Theme | null {
  const { body, documentElement: html } = document;
  const { jpThemeLight, vscodeThemeKind } = body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === 'false' ? 'dark' : 'light';
  if (vscodeThemeKind !== undefined) return vscodeThemeKind.includes('light') ? 'light' : 'dark';
  for (const element of [body, html]) {
    const { classList, dataset } = element;
    const named = [dataset.theme, element.getAttribute('theme')];
    for (const theme of ['dark', 'light'] as const) {
      if (classList.contains(theme) || classList.contains(`vscode-${theme}`) || named.includes(theme)) return theme;
    }
  }
  return null;
}

/** How bright an element's own ground is; null where it can be seen through. */
function groundOf(element: Element): number | null {
  const [r, g, b, alpha = 1] =
    getComputedStyle(element)
      .backgroundColor.match(/[\d.]+/g)
      ?.map(Number) ?? [];
  return r === undefined || g === undefined || b === undefined || alpha < 0.5 ? null : luminance([r, g, b]);
}

/** What an element is in, also where that is a shadow root's host. */
export function around(element: Element): Element | null {
  const root = element.parentElement ? null : element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

/** How bright the ground behind a view is. */
function groundBehind(root: Element): number | null {
  for (let at = around(root); at; at = around(at)) {
    const ground = groundOf(at);
    if (ground !== null) return ground;
  }
  return null;
}

function themeAround(root: Element): Theme {
  const theme = said();
  if (theme !== null) return theme;
  const ground = groundBehind(root);
  if (ground !== null) return ground < 0.2 ? 'dark' : 'light';
  return asked(DARK) ? 'dark' : 'light';
}

/** Whether text of a theme can be read on the ground that the style sheet gave the view. */
function readable(root: Element, theme: Theme): boolean {
  const ground = asked(FORCED) ? null : groundOf(root);
  return ground === null || (theme === 'dark' ? ground <= LIGHTEST_DARK : ground >= DARKEST_LIGHT);
}

const strong = () => !asked(FORCED) && (asked(CONTRAST) || /\bvscode-high-contrast\b/.test(document.body.className));

function follow(root: HTMLElement): Theme {
  const theme = themeAround(root);
  root.dataset.theme = theme;
  root.toggleAttribute('data-contrast', strong());
  root.removeAttribute('data-ground');
  if (!readable(root, theme)) root.dataset.ground = 'own';
  return theme;
}

/** Give a view the host's theme, now and whenever that may have changed. */
export function watchTheme(root: HTMLElement, signal: AbortSignal, changed?: (theme: Theme) => void): void {
  const tell = () => {
    const theme = follow(root);
    changed?.(theme);
  };
  tell();
  const observer = new MutationObserver(tell);
  // VS Code writes its colours into `style`; what else a host may call its theme is an attribute, too.
  for (const element of [document.body, document.documentElement]) observer.observe(element, { attributes: true });
  for (const query of [DARK, CONTRAST, FORCED])
    globalThis.matchMedia?.(query).addEventListener('change', tell, { signal });
  signal.addEventListener('abort', () => observer.disconnect());
  if (typeof ResizeObserver === 'undefined') return;
  // Some hosts put a view on the page after it was made: only then is there a ground.
  const placed = new ResizeObserver(() => {
    if (root.clientWidth === 0) return;
    placed.disconnect();
    tell();
  });
  placed.observe(root);
  signal.addEventListener('abort', () => placed.disconnect());
}
