/** Text in a layout is measured, never guessed: whoever calls the layout brings the means. */

export type Measure = (text: string, px: number, weight: 400 | 600) => number;

/** The first of some variants, long to short, that fits; the shortest cut with an ellipsis where none does. */
export function fitting(
  variants: readonly string[],
  width: number,
  measure: Measure,
  px = 11,
  weight: 400 | 600 = 400,
) {
  const whole = variants.find((text) => measure(text, px, weight) <= width);
  if (whole !== undefined) return whole;
  let text = variants.at(-1) ?? '';
  // A number is shown whole or not at all: half of one is another number.
  const shorter = (of: string) => (/[\d.,]$/.test(of) ? of.replace(/[\d.,]+$/, '') : of.slice(0, -1)).trimEnd();
  while (text.length > 1 && measure(`${text}…`, px, weight) > width) text = shorter(text);
  return measure(`${text}…`, px, weight) <= width ? `${text}…` : '';
}
