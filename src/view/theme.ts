/**
 * Dark or light, as the host is: as it says itself, else as the ground behind the view is, else as the system is. The
 * host's ground is taken where the view's text can be read on it: a page that is none of Jupyter's may have got Jupyter's
 * light colours from the widgets' own style, whatever the page's are.
 */
import type { Theme, ViewState } from '../state/local';
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

/** A computed colour as red, green, blue and opacity; null where only the browser knows it and has no canvas to say it. */
function rgbaOf(colour: string): readonly number[] | null {
  if (colour.startsWith('rgb')) return colour.match(/[\d.]+/g)?.map(Number) ?? null;
  const context =
    colour === '' ? null : document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b, alpha / 255];
}

interface Ground {
  readonly colour: string;
  readonly bright: number;
}

/** An element's own ground; null where it can be seen through. */
function groundOf(element: Element): Ground | null {
  const colour = getComputedStyle(element).backgroundColor;
  const rgba = rgbaOf(colour);
  return rgba === null || (rgba[3] ?? 1) < 0.5 ? null : { colour, bright: luminance(rgba.slice(0, 3)) };
}

/** What an element is in, also where that is a shadow root's host. */
function around(element: Element): Element | null {
  const root = element.parentElement ? null : element.getRootNode();
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}

/** The ground behind a view. */
function groundBehind(root: Element): Ground | null {
  for (let at = around(root); at; at = around(at)) {
    // Its colour is our own.
    const ground = at.matches('.gb-comparison') ? null : groundOf(at);
    if (ground !== null) return ground;
  }
  return null;
}

/** Whether text of a theme can be read on a ground. */
const suits = ({ bright }: Ground, theme: Theme) =>
  theme === 'dark' ? bright <= LIGHTEST_DARK : bright >= DARKEST_LIGHT;

const strong = () => !asked(FORCED) && (asked(CONTRAST) || /\bvscode-high-contrast\b/.test(document.body.className));

/** What a view's colours follow from. No style sheet reaches a canvas: it is drawn anew where any of it is another. */
type Colours = Pick<ViewState, 'theme' | 'ground'>;

function follow(root: HTMLElement): Colours {
  const behind = groundBehind(root);
  const seen = behind === null ? asked(DARK) : behind.bright < 0.2;
  const theme = said() ?? (seen ? 'dark' : 'light');
  root.dataset.theme = theme;
  root.toggleAttribute('data-contrast', strong());
  root.removeAttribute('data-ground');
  // For a host that gives its colour no name that we know.
  const ground = behind && suits(behind, theme) ? behind.colour : null;
  root.style.setProperty('--gb-ground', ground);
  const own = asked(FORCED) ? null : groundOf(root);
  if (own && !suits(own, theme)) root.dataset.ground = 'own';
  return { theme, ground: `${ground ?? own?.colour ?? ''}${root.hasAttribute('data-contrast') ? ', strong' : ''}` };
}

/** Give a view the host's theme, now and whenever that may have changed. */
export function watchTheme(root: HTMLElement, signal: AbortSignal, changed?: (colours: Colours) => void): void {
  const tell = () => {
    const colours = follow(root);
    changed?.(colours);
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
