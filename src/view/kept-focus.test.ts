import { beforeEach, expect, it } from 'vitest';
import { h } from './dom';
import { KeptFocus } from './kept-focus';

let root: HTMLElement;
let button: HTMLButtonElement;
let focus: KeptFocus;

beforeEach(() => {
  button = h('button');
  root = h('div', { tabindex: -1 }, h('div', {}, button), h('input'));
  document.body.replaceChildren(root);
  focus = new KeptFocus(root);
  button.focus();
});

it('gives the focus to the view while a button is off, and then back', () => {
  focus.through(() => {
    button.disabled = true;
  });
  expect(document.activeElement).toBe(root);
  focus.through(() => {});
  expect(document.activeElement).toBe(root);
  focus.through(() => {
    button.disabled = false;
  });
  expect(document.activeElement).toBe(button);
});

it('does so where what has the focus is taken away, or is hidden with what it is in', () => {
  focus.through(() => root.firstElementChild?.toggleAttribute('hidden', true));
  expect(document.activeElement).toBe(root);
  root.firstElementChild?.toggleAttribute('hidden', false);
  button.focus();
  focus.through(() => button.remove());
  expect(document.activeElement).toBe(root);
});

it('leaves it where a person, or a part, has put it', () => {
  focus.through(() => {
    button.disabled = true;
    root.querySelector('input')?.focus();
  });
  expect(document.activeElement).toBe(root.querySelector('input'));
  button.disabled = false;
  button.focus();
  focus.through(() => {
    button.disabled = true;
  });
  (document.activeElement as HTMLElement).blur();
  focus.through(() => {
    button.disabled = false;
  });
  expect(document.activeElement).toBe(document.body);
});
