/**
 * All keys of the page, in one table: who reads it knows what there is. A part of the page says what its keys do (`bind`);
 * a key that nobody has bound is neither taken nor offered. Keys are heard at the view's root, so that those of a notebook
 * around it stay the notebook's. What is pressed here stops here, whether it does something or not: in a notebook a letter
 * cuts a cell, deletes it or hides its output. Keys with Ctrl or Alt and the function keys go on, unless they are ours.
 */
import type { View } from './context';
import { on } from './events';

/** What the words of a key depend on. */
type Given = Pick<View, 'session'>;
type Words = string | ((given: Given) => string | null);

interface Shortcut {
  /** As `KeyboardEvent.key` has them, letters small; `Mod` is Ctrl, or Command on a Mac. */
  readonly keys: readonly string[];
  /** As they are written on the keys. */
  readonly shown: readonly string[];
  /** What they do; null where they do nothing now. */
  readonly words: Words;
  /** Where the focus is when they apply: on something in the diagram, or anywhere in the view. */
  readonly where: 'diagram' | 'page';
}

const live = ({ session }: Given) => session.durable.value.state !== null;
const ifLive = (words: string) => (given: Given) => (live(given) ? words : null);

export const SHORTCUTS = {
  move: {
    keys: ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'],
    shown: ['↑', '↓', '←', '→'],
    words: 'move',
    where: 'diagram',
  },
  ends: { keys: ['Home', 'End'], shown: ['Home', 'End'], words: 'first and last of a line', where: 'diagram' },
  layer: {
    keys: ['PageUp', 'PageDown'],
    shown: ['PgUp', 'PgDn'],
    words: 'next and previous layer of a card',
    where: 'diagram',
  },
  act: {
    keys: ['Enter'],
    shown: ['Enter'],
    words: (given) => (live(given) ? 'ablates or restores' : 'selects'),
    where: 'diagram',
  },
  ablate: { keys: ['x'], shown: ['X'], words: ifLive('ablates or restores'), where: 'diagram' },
  look: {
    keys: ['Shift+Enter'],
    shown: ['Shift', 'Enter'],
    words: ifLive('shows it and ablates nothing'),
    where: 'diagram',
  },
  extend: {
    keys: ['Shift+ArrowUp', 'Shift+ArrowDown', 'Shift+ArrowLeft', 'Shift+ArrowRight'],
    shown: ['Shift', '↑'],
    words: ifLive('chooses several'),
    where: 'diagram',
  },
  choose: {
    keys: ['Shift+ ', 'Mod+ '],
    shown: ['Shift', 'Space'],
    words: ifLive('chooses it, too'),
    where: 'diagram',
  },
  kinds: {
    keys: ['Shift+x', 'Shift+F10', 'ContextMenu'],
    shown: ['Shift', 'X'],
    words: ifLive('other kinds of ablation'),
    where: 'diagram',
  },
  open: { keys: ['o'], shown: ['O'], words: 'opens the block and closes it', where: 'page' },
  compare: { keys: ['c'], shown: ['C'], words: ifLive('compares with the clean run'), where: 'page' },
  undo: { keys: ['Mod+z'], shown: ['Ctrl', 'Z'], words: ifLive('undoes'), where: 'page' },
  redo: {
    keys: ['Mod+Shift+z', 'Mod+y'],
    shown: ['Ctrl', 'Shift', 'Z'],
    words: ifLive('does it again'),
    where: 'page',
  },
  pause: { keys: [' '], shown: ['Space'], words: ifLive('stops time, and goes on'), where: 'diagram' },
  earlier: { keys: ['[', ','], shown: ['['], words: ifLive('one frame back'), where: 'page' },
  later: { keys: [']', '.'], shown: [']'], words: ifLive('one frame on'), where: 'page' },
  search: { keys: ['/'], shown: ['/'], words: 'searches', where: 'page' },
  stage: { keys: ['e'], shown: ['E'], words: 'next stage: diagram, experts, sweep', where: 'page' },
  table: { keys: ['t'], shown: ['T'], words: 'shows the diagram as a table', where: 'page' },
  projector: { keys: ['p'], shown: ['P'], words: 'larger, for a projector', where: 'page' },
  zoomIn: { keys: ['+', '='], shown: ['+'], words: 'zooms in', where: 'page' },
  zoomOut: { keys: ['-'], shown: ['−'], words: 'zooms out', where: 'page' },
  fit: { keys: ['0'], shown: ['0'], words: 'fits the diagram in', where: 'page' },
  actual: { keys: ['1'], shown: ['1'], words: 'shows it as large as it is', where: 'page' },
  help: { keys: ['?'], shown: ['?'], words: 'shows all keys', where: 'page' },
  close: { keys: ['Escape'], shown: ['Esc'], words: 'closes what is open, then clears', where: 'page' },
} as const satisfies Readonly<Record<string, Shortcut>>;

export type ShortcutName = keyof typeof SHORTCUTS;

/** What Escape closes first. */
export const CLOSES = { tooltip: 0, menu: 1, overlay: 2, opened: 3, selection: 4 } as const;

/** Act on a key. False where there was nothing to do: the next one that is bound to the key is asked. */
type Action = (event: KeyboardEvent) => boolean | undefined;

interface Bound {
  readonly act: Action;
  readonly order: number;
}

/** A key as the table has it. A character that needs Shift is named without it: `?`. */
function nameOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string {
  const letter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  const shift = shiftKey && (key.length > 1 || key === ' ' || letter);
  const words = [(ctrlKey || metaKey) && 'Mod', altKey && 'Alt', shift && 'Shift', letter ? key.toLowerCase() : key];
  return words.filter((word) => word !== false).join('+');
}

const BY_KEY = new Map<string, ShortcutName>(
  (Object.keys(SHORTCUTS) as ShortcutName[]).flatMap((name) => SHORTCUTS[name].keys.map((key) => [key, name] as const)),
);

/** Where it is, JupyterLab acts on no key. */
const SUPPRESS = 'data-lm-suppress-shortcuts';

/** Keys by which text is edited, with Ctrl. */
const EDITS = new Set(['a', 'c', 'v', 'x', 'y', 'z', 'Backspace', 'Delete', 'Enter', 'Home', 'End']);

/** Whether a key is the notebook's: a function key, or one with Ctrl or Alt that means nothing here. */
function leaves(event: KeyboardEvent): boolean {
  const { key, ctrlKey, metaKey, altKey, target } = event;
  if (/^F\d/.test(key) || (altKey && !typesText(target))) return !BY_KEY.has(nameOf(event));
  if (!(ctrlKey || metaKey) || key.startsWith('Arrow') || key === 'Enter') return false;
  return typesText(target) ? !EDITS.has(key) : !BY_KEY.has(nameOf(event));
}

const UNTYPED = new Set(['button', 'checkbox', 'radio', 'range', 'submit', 'reset', 'color', 'file']);

/** Whether what is pressed here is text. */
function typesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !UNTYPED.has(target.type) && !target.readOnly;
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export interface Offered {
  readonly name: ShortcutName;
  readonly shown: readonly string[];
  readonly words: string;
  readonly where: Shortcut['where'];
}

export class Shortcuts {
  #bound = new Map<ShortcutName, Bound[]>();

  /** Hear the keys of a view. */
  listen(root: HTMLElement, signal: AbortSignal): void {
    on(root, 'keydown', (event) => this.#pressed(event), signal);
    // Notebook 7, and JupyterLab where it is set so, hear a key before the view does, and leave it alone where this
    // attribute is: a letter here must never cut a cell, but Ctrl with a key that is not ours is the notebook's. The window
    // hears it before them. Their keys are for whatever has the focus (`.jp-Notebook :focus`): so that must have it itself.
    let marked: Element | null = null;
    const yields = (event: KeyboardEvent) => {
      marked?.removeAttribute(SUPPRESS);
      marked = null;
      const { target } = event;
      if (!(target instanceof Element && root.contains(target))) return;
      const ours = !leaves(event);
      root.toggleAttribute(SUPPRESS, ours);
      if (!ours || target === root) return;
      target.setAttribute(SUPPRESS, '');
      marked = target;
    };
    on(window, 'keydown', yields, signal, { capture: true });
  }

  /** Say what a key does. Where several do something, they are asked in the order of `order`. */
  bind(name: ShortcutName, act: Action, order = 0): void {
    const all = [...(this.#bound.get(name) ?? []), { act, order }];
    this.#bound.set(
      name,
      all.sort((a, b) => a.order - b.order),
    );
  }

  /** What there is to press now, in words. */
  offered(given: Given): Offered[] {
    return (Object.keys(SHORTCUTS) as ShortcutName[]).flatMap((name) => {
      const { shown, words, where }: Shortcut = SHORTCUTS[name];
      const said = typeof words === 'string' ? words : words(given);
      return said === null || !this.#bound.has(name) ? [] : [{ name, shown, words: said, where }];
    });
  }

  #pressed(event: KeyboardEvent): void {
    const done = this.#done(event);
    if (done) event.preventDefault();
    if (done || !leaves(event)) event.stopPropagation();
  }

  #done(event: KeyboardEvent): boolean {
    const name = event.defaultPrevented || typesText(event.target) ? undefined : BY_KEY.get(nameOf(event));
    if (name === undefined || !this.#applies(name, event.target as Element)) return false;
    return this.#bound.get(name)?.some(({ act }) => act(event) !== false) ?? false;
  }

  #applies(name: ShortcutName, target: Element): boolean {
    return SHORTCUTS[name].where === 'page' || target.closest('.gb-hit') !== null;
  }
}
