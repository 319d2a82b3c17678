import { afterEach, expect, it } from 'vitest';
import { FIRST_VIEW } from '../state/local';
import { Store } from '../state/store';
import { Palette } from './canvas';
import { watchTheme } from './theme';

const stop = new AbortController();
afterEach(() => stop.abort());

it('colours of canvases follow a host that goes from one dark ground to another', async () => {
  document.body.setAttribute('style', 'background-color: rgb(30, 30, 30)');
  const root = document.body.appendChild(document.createElement('div'));
  const state = new Store(FIRST_VIEW);
  watchTheme(root, stop.signal, (colours) => state.set(colours));
  const palette = new Palette({ root, state });
  root.style.setProperty('--gb-ink', '#e7e9ec');
  expect(palette.inks.ink).toBe('#e7e9ec');
  expect(state.value.theme).toBe('dark');
  root.style.setProperty('--gb-ink', '#ffffff');
  document.body.setAttribute('style', 'background-color: rgb(0, 0, 0)');
  await new Promise((done) => setTimeout(done));
  expect(state.value.theme).toBe('dark');
  expect(palette.inks.ink).toBe('#ffffff');
});
