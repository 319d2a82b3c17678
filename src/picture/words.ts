/** Lines of words in a picture, by the published widths of its font. */
import { fitting } from '../layout/text';
import { s } from '../view/dom';
import { measure } from './metrics';

/** What stands above or below a diagram, its upper left corner at the origin. */
export interface Piece {
  readonly nodes: SVGElement[];
  readonly height: number;
}

export const INK = 'var(--gb-ink)';
export const SOFT = 'var(--gb-ink2)';
export const SMALL = 11;
export const LINE = 15;

interface Said {
  readonly size?: number;
  readonly weight?: 400 | 600;
  readonly fill?: string;
}

export function words(text: string, x: number, y: number, { size = SMALL, weight = 400, fill = SOFT }: Said = {}) {
  return s('text', { x, y, 'font-size': size, 'font-weight': weight, fill }, text);
}

/** Lines of at most a width; a word that is wider than that is cut. */
export function wrapped(text: string, width: number, size = SMALL, weight: 400 | 600 = 400): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && measure(longer, size, weight) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].filter((one) => one !== '').map((one) => fitting([one], width, measure, size, weight));
}
