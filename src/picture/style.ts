/**
 * A style sheet as attributes. Programs that draw SVG know few selectors and no variables, so what holds for an element
 * is worked out here as a browser would, and written beside it: the rules that match, in the order of the cascade, what
 * is inherited, and the values of variables.
 */
import type { Rule } from './css';

/** What is inherited, and what holds where nobody says anything. */
const INHERITED: Readonly<Record<string, string>> = {
  fill: '#000',
  'fill-opacity': '1',
  stroke: 'none',
  'stroke-width': '1',
  'stroke-opacity': '1',
  'stroke-dasharray': 'none',
  'stroke-linecap': 'butt',
  'stroke-linejoin': 'miter',
  'paint-order': 'normal',
  'font-family': '',
  'font-size': '',
  'font-weight': '400',
  'text-anchor': 'start',
};
/** What holds for an element alone. */
const OWN: Readonly<Record<string, string>> = { opacity: '1', display: 'inline' };
const PROPERTIES = [...Object.keys(INHERITED), ...Object.keys(OWN)];
/** A variable with what stands for it where it is not set; the innermost, where one stands for another. */
const VARIABLE = /var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)/;

type Values = ReadonlyMap<string, string>;
export type Matches = ReadonlyMap<Element, Values>;

/** Whether a rule says something that is drawn, of classes that are there: most of the style is of the rest of the page. */
function matters({ selector, declarations }: Rule, classes: ReadonlySet<string>): boolean {
  const named = selector.match(/\.[\w-]+(?![^(]*\))/g) ?? [];
  return (
    named.every((name) => classes.has(name.slice(1))) &&
    [...declarations.keys()].some((name) => name.startsWith('--') || PROPERTIES.includes(name))
  );
}

/**
 * One element for all that no selector tells apart, which have the same name and attributes in the same place: of
 * hundreds of experts one is left. A selector that counts siblings would find another count here, and is refused.
 */
function skeletonOf(root: Element, attributes: readonly string[]): { bones: Element; of: Map<Element, Element> } {
  const of = new Map<Element, Element>();
  const known = new Map<Element, Map<string, Element>>();
  const boneOf = (element: Element, parent: Element | null): Element => {
    const key = [element.localName, ...attributes.map((name) => element.getAttribute(name))].join('|');
    const found = parent && known.get(parent)?.get(key);
    if (found) return found;
    const bone = element.cloneNode(false) as Element;
    known.set(bone, new Map());
    if (parent) known.get(parent)?.set(key, bone);
    parent?.append(bone);
    return bone;
  };
  const walk = (element: Element, parent: Element | null) => {
    const bone = boneOf(element, parent);
    of.set(element, bone);
    for (const child of element.children) walk(child, bone);
    return bone;
  };
  return { bones: walk(root, null), of };
}

const COUNTS = /[+~]|:(?:first|last|only|nth)-/;

/** The declarations that hold for each element under a root, which is among them. */
export function matched(root: Element, rules: readonly Rule[]): Matches {
  const named = rules.flatMap(({ selector }) => [...selector.matchAll(/\[([\w-]+)/g)].map(([, name = '']) => name));
  const { bones, of } = skeletonOf(root, ['class', ...new Set(named)]);
  const found = new Map([bones, ...bones.querySelectorAll('*')].map((bone) => [bone, new Map<string, string>()]));
  const classes = new Set([...found.keys()].flatMap((bone) => [...bone.classList]));
  for (const { selector, declarations } of rules.filter((one) => matters(one, classes))) {
    if (COUNTS.test(selector)) throw new Error(`${selector} counts siblings, which a picture cannot`);
    const hits = [...bones.querySelectorAll(selector), ...(bones.matches(selector) ? [bones] : [])];
    for (const hit of hits) for (const [name, value] of declarations) found.get(hit)?.set(name, value);
  }
  return new Map([...of].map(([element, bone]) => [element, found.get(bone) ?? new Map<string, string>()]));
}

/** What children inherit of an element. */
export class Style {
  private constructor(
    private readonly values: Values,
    private readonly variables: Values,
  ) {}

  static readonly initial = new Style(new Map(Object.entries(INHERITED)), new Map());

  /** The style of a child, and the attributes that say in what it differs from its parent. */
  of(element: Element, declared: Values): { style: Style; attributes: Map<string, string> } {
    const variables = [...declared].filter(([name]) => name.startsWith('--'));
    const known = variables.length === 0 ? this.variables : new Map([...this.variables, ...variables]);
    const attributes = new Map<string, string>();
    for (const name of PROPERTIES) {
      // What is measured is written at the element itself and counts most; an attribute counts for less than any rule.
      // A browser writes what it does not know yet as nothing.
      const own = (element as SVGElement).style?.getPropertyValue(name);
      const said = own || declared.get(name) || element.getAttribute(name);
      if (!said) continue;
      const value = plain(name, substituted(said, known));
      if (value !== (this.values.get(name) ?? OWN[name])) attributes.set(name, value);
    }
    const inherited = [...attributes].filter(([name]) => name in INHERITED);
    const values = inherited.length === 0 ? this.values : new Map([...this.values, ...inherited]);
    return { style: new Style(values, known), attributes };
  }

  get(name: string): string {
    return this.values.get(name) ?? '';
  }
}

/** A value as every program reads it, however its style sheet was written: no unit, a digit before the point, no commas. */
function plain(name: string, value: string): string {
  const listed = name === 'stroke-dasharray' ? value.replaceAll(/,\s*/g, ' ') : value;
  return listed.replaceAll(/\b([\d.]+)px/g, '$1').replaceAll(/(?<!\d)\./g, '0.');
}

function substituted(value: string, variables: Values): string {
  let text = value;
  for (let found = VARIABLE.exec(text); found; found = VARIABLE.exec(text)) {
    const [whole, name = '', other] = found;
    const known = variables.get(name) ?? other?.trim();
    if (known === undefined) throw new Error(`${name} has no value in the style`);
    text = text.replace(whole, known);
  }
  return text;
}
