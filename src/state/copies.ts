/**
 * What all copies of this file on a page have in common: anywidget loads one for each model, so that a count in a module
 * begins anew with each of them.
 */
interface Common {
  /** How many sessions keep frames. */
  timelines: number;
  /** How many views there ever were: their names are made of it, and an id is one on the whole page. */
  views: number;
}

const COMMON = Symbol.for('glassblock.common');

export function common(): Common {
  const page = globalThis as { [COMMON]?: Common };
  page[COMMON] ??= { timelines: 0, views: 0 };
  return page[COMMON];
}
