/** Signs on buttons. */
import { s } from './dom';

/** A path in a square of fourteen pixels, in the style sheet's line. */
export const icon = (d: string): SVGSVGElement =>
  s('svg', { width: 14, height: 14, viewBox: '0 0 14 14', class: 'gb-icon', 'aria-hidden': 'true' }, s('path', { d }));
