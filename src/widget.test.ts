/** The page as a widget: several of them, several views of one, and none any more. */

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { architecture, frameLayout, sessionState } from './fixtures';
import { FakeModel, settled } from './fixtures/model';
import { ablated, show } from './fixtures/page';

beforeEach(() => {
  document.body.replaceChildren();
});

describe('a page', () => {
  it('takes names as text, whatever they are', () => {
    const of = architecture('gpt');
    of.name = '<img src=x onerror=alert(1)>';
    const { el } = show(of, null);
    expect(el.querySelector('img')).toBeNull();
    expect(el.querySelector('h1')?.textContent).toBe(of.name);
  });

  it('holds several widgets without shared ids', () => {
    show();
    show();
    const ids = [...document.querySelectorAll('[id]')].map((node) => node.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows one session in several views that change together', async () => {
    const { model, widget, el } = show();
    const second = document.body.appendChild(document.createElement('div'));
    widget.render({ model, el: second, signal: new AbortController().signal });
    expect(model.requests('hello')).toHaveLength(1);
    model.become(ablated('L0.mlp'));
    await settled();
    for (const view of [el, second]) {
      expect(view.querySelector('.gb-hit[data-address="L0.mlp"]')?.classList.contains('gb-cut')).toBe(true);
    }
  });

  it('leaves nothing behind', () => {
    const { model, el, controller } = show();
    controller.abort();
    expect(el.childElementCount).toBe(0);
    expect(model.count).toBe(0);
  });
});

it('has ids of its own beside another copy of the file, as anywidget loads one for each model', async () => {
  show();
  vi.resetModules();
  const { makeWidget: another } = await import('./widget');
  const of = architecture('gpt');
  const model = new FakeModel({ architecture: of, frame_layout: frameLayout(of), state: sessionState() });
  another().render({ model, el: document.body.appendChild(document.createElement('div')) });
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
  expect(ids.length).toBeGreaterThan(20);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});
