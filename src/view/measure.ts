/** Widths of text in the fonts that the page really has, remembered. */
import type { Measure } from '../layout/text';

/** Used where there is no canvas: wide enough for most fonts. */
const roughly: Measure = (text, px, weight) => text.length * px * (weight === 600 ? 0.62 : 0.57);

export function measureIn(family: string): Measure {
  const context = document.createElement('canvas').getContext('2d');
  if (!context) return roughly;
  const known = new Map<string, number>();
  return (text, px, weight) => {
    // Digits are all equally wide here: numbers that stream are not measured, nor remembered, one by one.
    const key = `${weight} ${px} ${text.replace(/\d/g, '0')}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    context.font = `${weight} ${px}px ${family}`;
    const width = context.measureText(text).width;
    known.set(key, width);
    return width;
  };
}
