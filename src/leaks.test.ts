/** What a view takes of its page it gives back. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { architecture, frameLayout, recordedFrame, sessionState } from './fixtures';
import { FakeModel } from './fixtures/model';
import { makeWidget } from './widget';
import { recordedBuffers } from './wire/codec';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Observers that are at work. */
function observers() {
  const open = new Set<object>();
  for (const name of ['ResizeObserver', 'IntersectionObserver', 'MutationObserver']) {
    vi.stubGlobal(
      name,
      class {
        observe() {
          open.add(this);
        }
        disconnect() {
          open.delete(this);
        }
      },
    );
  }
  return open;
}

/** Listeners of what outlives a view. */
function listeners() {
  const open = new Set<string>();
  let count = 0;
  for (const target of [window, document, document.body]) {
    const add = target.addEventListener.bind(target);
    vi.spyOn(target, 'addEventListener').mockImplementation(((
      name: string,
      act: never,
      how: AddEventListenerOptions,
    ) => {
      const key = `${name} ${count++}`;
      open.add(key);
      how?.signal?.addEventListener('abort', () => open.delete(key));
      add(name as never, act, how);
    }) as never);
  }
  return open;
}

it('leaves no timer, no observer and no listener behind, whatever was going on', async () => {
  const [watched, heard] = [observers(), listeners()];
  const of = architecture('gpt');
  const layout = frameLayout(of);
  const model = new FakeModel({ architecture: of, frame_layout: layout, state: sessionState() });
  const widget = makeWidget();
  const controller = new AbortController();
  const el = document.body.appendChild(document.createElement('div'));
  widget.initialize({ model, signal: controller.signal });
  widget.render({ model, el, signal: controller.signal });
  const { header, ...rest } = recordedFrame(layout, null, 1.5);
  model.emit('msg:custom', header, recordedBuffers({ header, ...rest }));
  await vi.advanceTimersByTimeAsync(50);
  const hit = el.querySelector('.gb-hit[data-address="L1.attn.H1"]') as SVGElement;
  hit.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
  hit.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true }));
  hit.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  hit.dispatchEvent(new KeyboardEvent('keydown', { key: 'o', bubbles: true }));
  hit.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true, pointerType: 'touch' }));
  model.emit('msg:custom', { ...header, seq: 9 }, recordedBuffers({ header, ...rest }));
  expect([watched.size, heard.size, vi.getTimerCount()].map((count) => count > 0)).toEqual([true, true, true]);
  controller.abort();
  expect([...heard]).toEqual([]);
  expect(watched.size).toBe(0);
  await vi.advanceTimersByTimeAsync(50);
  expect(vi.getTimerCount()).toBe(0);
});
