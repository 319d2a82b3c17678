/**
 * The stage stays in view while a longer panel beside it is scrolled: from its top where it fits into what scrolls, and
 * else from where its end is seen.
 */
import type { View } from './context';
import { on } from './events';
import { zoomOf } from './magnify';

const MARGIN = 8;

/** The height of what scrolls around an element: a notebook's cells, or the window. */
function roomAround(element: Element): number {
  for (let at = element.parentElement; at; at = at.parentElement) {
    const { overflowY } = getComputedStyle(at);
    if ((overflowY === 'auto' || overflowY === 'scroll') && at !== document.body) return at.clientHeight;
  }
  return document.documentElement.clientHeight;
}

export function stickIn(view: View, element: HTMLElement): void {
  if (typeof ResizeObserver === 'undefined') return;
  const place = () => {
    const room = roomAround(view.root) / zoomOf(element);
    const top = Math.min(MARGIN, room - element.offsetHeight - MARGIN);
    // Not as a property of the sheet's own, which all that is within would inherit, and be styled anew for.
    element.style.top = `${Math.round(top)}px`;
  };
  const observer = new ResizeObserver(place);
  observer.observe(element);
  on(window, 'resize', place, view.signal);
  view.signal.addEventListener('abort', () => observer.disconnect());
}
