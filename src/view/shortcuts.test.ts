import { beforeEach, describe, expect, it } from 'vitest';
import type { View } from './context';
import { SHORTCUTS, type ShortcutName, Shortcuts } from './shortcuts';

const given = (live: boolean) => ({ session: { durable: { value: { state: live ? {} : null } } } }) as unknown as View;

function page() {
  const root = document.body.appendChild(document.createElement('div'));
  const hit = root.appendChild(document.createElement('button'));
  hit.className = 'gb-hit';
  const input = root.appendChild(document.createElement('input'));
  const shortcuts = new Shortcuts();
  shortcuts.listen(root, new AbortController().signal);
  const outside: string[] = [];
  document.body.onkeydown = ({ key }) => outside.push(key);
  const press = (at: Element, key: string, init: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init });
    at.dispatchEvent(event);
    return event;
  };
  return { root, hit, input, shortcuts, outside, press };
}

beforeEach(() => document.body.replaceChildren());

describe('keys', () => {
  it('are each in the table once', () => {
    const keys = (Object.keys(SHORTCUTS) as ShortcutName[]).flatMap((name) => [...SHORTCUTS[name].keys]);
    expect(keys.length).toBe(new Set(keys).size);
  });

  it('stop here, and keep what the browser does with them where they did nothing', () => {
    const { hit, input, shortcuts, outside, press } = page();
    let open = true;
    shortcuts.bind('close', () => {
      const was = open;
      open = false;
      return was;
    });
    expect(press(hit, 'Escape').defaultPrevented).toBe(true);
    expect(press(hit, 'Escape').defaultPrevented).toBe(false);
    // VS Code is told of every key that leaves an output: two d there delete the cell.
    for (const key of ['d', 'd', 'Tab', 'ArrowDown']) expect(press(hit, key).defaultPrevented).toBe(false);
    press(input, 'x');
    expect(outside).toEqual([]);
  });

  it('go on where they are the notebook’s', () => {
    const { hit, input, outside, press } = page();
    press(hit, 's', { ctrlKey: true });
    press(hit, 'F1');
    press(hit, 'ArrowLeft', { altKey: true });
    press(input, 's', { metaKey: true });
    expect(outside).toEqual(['s', 'F1', 'ArrowLeft', 's']);
    press(hit, 'F10', { shiftKey: true });
    press(input, 'ArrowLeft', { altKey: true });
    expect(outside).toHaveLength(4);
  });

  it('are text where text is typed', () => {
    const { input, shortcuts, press } = page();
    const done: string[] = [];
    shortcuts.bind('search', () => Boolean(done.push('search')));
    shortcuts.bind('undo', () => Boolean(done.push('undo')));
    press(input, '/');
    press(input, 'z', { ctrlKey: true });
    expect(done).toEqual([]);
    input.type = 'range';
    press(input, '/');
    expect(done).toEqual(['search']);
  });

  it('tell a key with Ctrl from the key alone, and Ctrl from Ctrl with Shift', () => {
    const { hit, shortcuts, press } = page();
    const done: string[] = [];
    for (const name of ['ablate', 'undo', 'redo'] as const) shortcuts.bind(name, () => Boolean(done.push(name)));
    press(hit, 'x', { ctrlKey: true });
    press(hit, 'X');
    press(hit, 'z', { metaKey: true });
    press(hit, 'Z', { ctrlKey: true, shiftKey: true });
    expect(done).toEqual(['ablate', 'undo', 'redo']);
  });

  it('of the diagram do nothing beside it', () => {
    const { root, hit, shortcuts, press } = page();
    let moved = 0;
    shortcuts.bind('move', () => Boolean(++moved));
    press(root, 'ArrowUp');
    expect(moved).toBe(0);
    press(hit, 'ArrowUp');
    expect(moved).toBe(1);
  });

  it('close what was opened over something else first', () => {
    const { hit, shortcuts, press } = page();
    const closed: string[] = [];
    shortcuts.bind('close', () => Boolean(closed.push('selection')), 4);
    shortcuts.bind('close', () => closed.push('menu') < 2, 1);
    press(hit, 'Escape');
    press(hit, 'Escape');
    expect(closed).toEqual(['menu', 'menu', 'selection']);
  });

  it('are offered only where somebody acts on them, and those of a model where there is one', () => {
    const { shortcuts } = page();
    shortcuts.bind('ablate', () => true);
    shortcuts.bind('help', () => true);
    const names = (live: boolean) => shortcuts.offered(given(live)).map(({ name }) => name);
    expect(names(true)).toEqual(['ablate', 'help']);
    expect(names(false)).toEqual(['help']);
  });
});

it('leaves to the notebook what is pressed with Ctrl and means nothing here, and nothing else', () => {
  const { root, hit, input, press } = page();
  const kept = (at: Element, key: string, init: KeyboardEventInit = {}) => {
    press(at, key, init);
    return root.hasAttribute('data-lm-suppress-shortcuts');
  };
  expect(kept(hit, 's', { ctrlKey: true })).toBe(false);
  expect(kept(hit, 'd')).toBe(true);
  expect(kept(hit, 'z', { ctrlKey: true })).toBe(true);
  expect(kept(hit, 'Enter', { ctrlKey: true })).toBe(true);
  expect(kept(input, 's', { metaKey: true })).toBe(false);
  expect(kept(input, 'v', { ctrlKey: true })).toBe(true);
  // JupyterLab asks what has the focus before it asks what that is in.
  const marked = () => [...document.querySelectorAll('[data-lm-suppress-shortcuts]')];
  expect(marked()).toEqual([root, input]);
  press(hit, 'd');
  expect(marked()).toEqual([root, hit]);
  press(hit, 's', { ctrlKey: true });
  expect(marked()).toEqual([]);
});
