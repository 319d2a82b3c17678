/** Elements in one line. Strings become text nodes, never markup: a model's names are data. */

type Child = Node | string | null | undefined | false;
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  attr(element, attributes);
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

/** Set an attribute; true is an empty one, false and null take it away. */
export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : String(value));
}

/** Set attributes. */
export function attr(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
}

export function h<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[T] {
  // A button in a form would submit it.
  const all = tag === 'button' ? { type: 'button', ...attributes } : attributes;
  return fill(document.createElement(tag), all, children);
}

const SVG = 'http://www.w3.org/2000/svg';

export function s<T extends keyof SVGElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[T] {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Set an attribute only where it differs: a repaint that changes nothing costs no layout. */
export function put(element: Element, name: string, value: string | number | null): void {
  const written = value === null ? null : String(value);
  if (element.getAttribute(name) !== written) setAttribute(element, name, written);
}

/** What was filled last, by element: to read a style that was set takes longer than to remember it. */
const fills = new WeakMap<SVGElement, string>();

/** Fill with a colour of the data, or with that of the style sheet. */
export function setFill(element: SVGElement, fill: string): void {
  if ((fills.get(element) ?? '') === fill) return;
  fills.set(element, fill);
  element.style.setProperty('fill', fill);
}

/** Replace text only where it differs, so that an unchanged label is not laid out again. */
export function setText(element: Element, text: string): void {
  const { firstChild } = element;
  if (firstChild?.nodeType !== 3 || firstChild.nextSibling) {
    if (element.textContent !== text) element.textContent = text;
  } else if ((firstChild as Text).data !== text) (firstChild as Text).data = text;
}

/** The child of an element at a place that whoever made it knows. */
export const nth = (element: Element, at: number): SVGElement => element.children[at] as SVGElement;

/** Write a text of the drawing at a place. */
export function write(node: Element, x: number, y: number, text: string): void {
  attr(node, { x, y });
  setText(node, text);
}

export function show(element: HTMLElement, visible: boolean): void {
  if (element.hidden === visible) element.hidden = !visible;
}

/** What has the focus, also where a view is in a shadow root: its document knows only of the root's host. */
export function focusAround(element: Element): Element | null {
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.activeElement : document.activeElement;
}
