/** Dark or light, as the host is: JupyterLab, VS Code, marimo, and otherwise the system. */
import type { Theme } from '../state/local';

const DARK_QUERY = '(prefers-color-scheme: dark)';

export function hostTheme(): Theme {
  const { body, documentElement: html } = document;
  const { jpThemeLight, vscodeThemeKind } = body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === 'false' ? 'dark' : 'light';
  if (vscodeThemeKind !== undefined) return vscodeThemeKind.includes('light') ? 'light' : 'dark';
  for (const element of [body, html]) {
    const { classList, dataset } = element;
    if (classList.contains('vscode-dark') || classList.contains('dark') || dataset.theme === 'dark') return 'dark';
    if (classList.contains('vscode-light') || classList.contains('light') || dataset.theme === 'light') return 'light';
  }
  return globalThis.matchMedia?.(DARK_QUERY).matches ? 'dark' : 'light';
}

/** Call back now and whenever the host's theme may have changed. */
export function watchTheme(changed: (theme: Theme) => void, signal: AbortSignal): void {
  const tell = () => changed(hostTheme());
  tell();
  const observer = new MutationObserver(tell);
  const options = {
    attributes: true,
    attributeFilter: ['class', 'data-theme', 'data-jp-theme-light', 'data-vscode-theme-kind'],
  };
  observer.observe(document.body, options);
  observer.observe(document.documentElement, options);
  globalThis.matchMedia?.(DARK_QUERY).addEventListener('change', tell, { signal });
  signal.addEventListener('abort', () => observer.disconnect());
}
