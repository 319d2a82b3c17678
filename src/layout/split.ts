/** How much of a page's width its diagram gets, and how much the panel beside it. */

/** Below this width the panel goes under the diagram. */
const NARROW = 900;
/** The same on a projector: who listens sees the diagram and the prediction at once, also in a cell on 1,366 pixels. */
const NARROW_PROJECTOR = 820;

export function isNarrow(width: number, projector = false): boolean {
  return width < (projector ? NARROW_PROJECTOR : NARROW);
}
const GAP = 24;
/** From this width on there is room for more than a diagram and one column: the diagram grows on with the page. */
const WIDE = 1600;

/** The widths of diagram and panel in a page that is so wide; in a narrow one each has all of it. */
export function split(width: number, live: boolean, projector = false): { diagram: number; panel: number } {
  if (isNarrow(width, projector)) return { diagram: width, panel: width };
  // Without a model there are no predictions to show: the diagram gets more.
  const [least, share, most] = live ? [projector ? 384 : 408, 0.428, 640] : [300, 0.29, 440];
  const beyond = Math.max(0, width - WIDE) * 0.5;
  const panel = Math.round(Math.max(least, Math.min(share * width, most)) + beyond);
  return { diagram: width - panel - GAP, panel };
}
