/**
 * How large everything is: as large as the text that the person asked the browser for, and larger still for a projector.
 * The view is magnified as a whole and laid out anew in the pixels that are left, so that nothing is cut off and lines
 * stay sharp. Within it all lengths are those of the layout; only what the browser says of the screen has to be divided.
 */
import type { View } from './context';
import { h } from './dom';

const PROJECTOR = 1.4;
/** Font size of a page where nobody asked for another. */
const USUAL = 16;

/** The text is never smaller than it is drawn for. */
const textScale = (probe: HTMLElement) => Math.max(1, (probe.offsetWidth || USUAL) / USUAL);

interface Zoomed {
  readonly currentCSSZoom?: number;
}

/** Screen pixels for one of the layout's. */
export const zoomOf = (element: Element): number => (element as Zoomed).currentCSSZoom ?? 1;

const known = new WeakMap<Element, number>();

/** The same of a whole view, as it was when that last changed: to ask the browser in a repaint would lay the page out there. */
export const zoomWithin = (root: Element): number => known.get(root) ?? 1;

/** Device pixels for one of the layout's: a canvas has so many. */
export const densityOf = (element: Element): number => (globalThis.devicePixelRatio || 1) * zoomOf(element);

/** Where the pointer is within an element, in the layout's pixels. */
export function pointIn(element: Element, { clientX, clientY }: MouseEvent): { x: number; y: number } {
  const [{ left, top }, zoom] = [element.getBoundingClientRect(), zoomOf(element)];
  return { x: (clientX - left) / zoom, y: (clientY - top) / zoom };
}

/** Where something is within something else, in the layout's pixels. */
export function placeIn(container: Element, element: Element): { x: number; y: number; w: number; h: number } {
  const [at, from, zoom] = [element.getBoundingClientRect(), container.getBoundingClientRect(), zoomOf(container)];
  return {
    x: (at.left - from.left) / zoom,
    y: (at.top - from.top) / zoom,
    w: at.width / zoom,
    h: at.height / zoom,
  };
}

/** Keep a view as large as it is asked to be, until its signal aborts. */
export function magnify(view: View): void {
  const { root, state, signal, shortcuts } = view;
  // As wide as the page's own text is high: so a change of that is seen.
  const probe = h('i', { class: 'gb-text-probe', 'aria-hidden': 'true' });
  root.append(probe);
  const apply = () => {
    const { projector } = state.value;
    const scale = textScale(probe) * (projector ? PROJECTOR : 1);
    root.style.setProperty('zoom', scale === 1 ? '' : String(scale));
    root.classList.toggle('gb-projector', projector);
    known.set(root, zoomOf(root));
  };
  apply();
  state.subscribe((changed) => changed.has('projector') && apply(), signal);
  shortcuts.bind('projector', () => {
    state.set({ projector: !state.value.projector });
    return true;
  });
  if (typeof ResizeObserver === 'undefined') return;
  const observer = new ResizeObserver(apply);
  // What is around the view may be magnified, too: then there is another width.
  for (const element of [probe, root]) observer.observe(element);
  signal.addEventListener('abort', () => observer.disconnect());
}
