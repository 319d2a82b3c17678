/** A drawing as the text of a file: what can be seen, with its style beside it, and nothing that only a page needs. */
import { isKnown, measure } from './metrics';
import type { Matches, Style } from './style';

const PLACES = [
  ...['x', 'y', 'x1', 'y1', 'x2', 'y2', 'cx', 'cy', 'r', 'rx', 'width', 'height', 'd', 'transform'],
  ...['data-address', 'data-part', 'id', 'patternUnits', 'patternTransform'],
];
const SHAPES = new Set(['rect', 'circle', 'line', 'path']);
const NONE = new Set(['none', 'transparent']);
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** What may be in no XML, however it is written. */
const FORBIDDEN = /[\p{Cs}\ufffe\uffff]|(?![\t\n\r])\p{Cc}/gu;

export function escaped(text: string): string {
  return text.replaceAll(FORBIDDEN, '\ufffd').replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign);
}

/** Hundredths of a pixel are enough, and are the same on every machine. */
const rounded = (text: string) =>
  text.replaceAll(/-?\d+\.\d{3,}/g, (number) => String(Number(Number(number).toFixed(2))));

function isSeen(tag: string, element: Element, style: Style): boolean {
  if (tag === 'text') return element.textContent !== '';
  if (!SHAPES.has(tag)) return true;
  if (tag === 'path' && (element.getAttribute('d') ?? '').trim() === '') return false;
  return !NONE.has(style.get('fill')) || !NONE.has(style.get('stroke'));
}

function fittedWidth(element: Element, style: Style): [string, string][] {
  const text = element.textContent ?? '';
  // The widths that are known are those of one family.
  if (!isKnown(text) || style.get('font-family').includes('mono')) return [];
  const weight = Number(style.get('font-weight')) >= 600 ? 600 : 400;
  const width = measure(text, Number(style.get('font-size')), weight).toFixed(1);
  return [
    ['textLength', width],
    ['lengthAdjust', 'spacingAndGlyphs'],
  ];
}

/** An element and what is in it; of groups that say nothing, only what is in them. */
export function written(element: Element, matches: Matches, inherited: Style): string {
  const tag = element.localName;
  if (tag === 'title') return `<title>${escaped(element.textContent ?? '')}</title>`;
  const { style, attributes } = inherited.of(element, matches.get(element) ?? new Map());
  if (attributes.get('display') === 'none' || !isSeen(tag, element, style)) return '';
  const places = PLACES.flatMap((name): [string, string][] => {
    const value = element.getAttribute(name);
    return value === null || value === '' ? [] : [[name, name === 'data-address' ? value : rounded(value)]];
  });
  const said = [...places, ...(tag === 'text' ? fittedWidth(element, style) : []), ...attributes]
    .map(([name, value]) => ` ${name}="${escaped(value)}"`)
    .join('');
  if (tag === 'text') return `<text${said}>${escaped(element.textContent ?? '')}</text>\n`;
  const inside = [...element.children].map((child) => written(child, matches, style)).join('');
  if (tag !== 'g') return inside === '' ? `<${tag}${said}/>\n` : `<${tag}${said}>${inside}</${tag}>\n`;
  if (inside === '' || said === '') return inside;
  return `<g${said}>\n${inside}</g>\n`;
}
