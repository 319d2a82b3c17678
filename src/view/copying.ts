/** Copying text, also where a page may not write to the clipboard: one that is opened from a file, one in a frame. */
import type { View } from './context';
import { h, setText } from './dom';
import { on } from './events';

const SAID_MS = 1200;

/** The old way: mark it in a field that nobody sees, and let the browser copy what is marked. */
function copyMarked(root: HTMLElement, text: string): boolean {
  const field = h('textarea', { class: 'gb-live', readonly: true, 'aria-hidden': 'true', tabindex: -1 });
  field.value = text;
  root.append(field);
  field.select();
  const done = root.ownerDocument.execCommand('copy');
  field.remove();
  return done;
}

async function copied(root: HTMLElement, text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyMarked(root, text);
  }
}

/** A button that copies, and says whether it did. */
export function copyButton(view: View, words: string, testid: string, text: () => string): HTMLButtonElement {
  const button = h('button', { class: 'gb-button gb-small-button', 'data-testid': testid }, words);
  const press = async () => {
    const done = await copied(view.root, text());
    button.focus();
    setText(button, done ? 'Copied' : 'Not allowed here');
    view.announce(done ? 'Copied' : 'The browser does not allow this page to copy');
    setTimeout(() => setText(button, words), SAID_MS);
  };
  on(button, 'click', () => void press(), view.signal);
  return button;
}

/** Lines of Python that run as they are, for a session of the name `session`. */
export function pythonOf(lines: readonly string[]): string {
  const imports = lines.some((line) => line.includes('gb.')) ? ['import glassblock as gb'] : [];
  return [...imports, ...lines].join('\n');
}
