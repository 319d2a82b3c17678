/** The page's style, read: rules in the order in which they cascade. Enough CSS for our own file, and no more. */

export interface Rule {
  readonly selector: string;
  readonly declarations: ReadonlyMap<string, string>;
}

/** Of what a person is doing to an element, or of what only the page has: nothing of that is in a picture. */
const STATE = /::|:(?:hover|focus|active|disabled|enabled|read-only|checked|placeholder|before|after)/;

/** Split at a separator that is in no brackets and no quotes. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let [depth, quote, from] = [0, '', 0];
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at);
    if (quote !== '') quote = sign === quote ? '' : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '(' || sign === '[') depth++;
    else if (sign === ')' || sign === ']') depth--;
    else if (sign === separator && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  return [...parts, text.slice(from)].map((part) => part.trim()).filter((part) => part !== '');
}

/** The end of a block that begins at an opening brace. */
function endOf(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++;
    if (text[at] === '}' && --depth === 0) return at;
  }
  return text.length;
}

/** How specific a selector is: classes, attributes and states first, then names of elements; we have no ids. */
function specificity(selector: string): number {
  const plain = selector.replaceAll(/:(?:is|not)\(([^()]*)\)/g, (_, list: string) => {
    const [most = ''] = splitOutside(list, ',').sort((a, b) => specificity(b) - specificity(a));
    return most;
  });
  const classes = plain.match(/\.[\w-]+|\[[^\]]*\]|:[\w-]+/g)?.length ?? 0;
  const names = plain.match(/(?:^|[\s>+~])[a-z][\w-]*/gi)?.length ?? 0;
  return 1000 * classes + names;
}

function declarationsOf(body: string): Map<string, string> {
  const pairs = splitOutside(body, ';').map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return new Map(pairs);
}

/** The rules of a style sheet that hold for what stands still. Blocks for a medium or a container are left out. */
export function rulesOf(css: string): Rule[] {
  const text = css.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/@[\w-]+[^{;]*;/g, '');
  const rules: (Rule & { readonly weight: number })[] = [];
  for (let at = 0; ; ) {
    const open = text.indexOf('{', at);
    if (open < 0) break;
    const close = endOf(text, open);
    const head = text.slice(at, open).trim();
    at = close + 1;
    if (head.startsWith('@')) continue;
    const declarations = declarationsOf(text.slice(open + 1, close));
    for (const selector of splitOutside(head, ',')) {
      if (!STATE.test(selector)) rules.push({ selector, declarations, weight: specificity(selector) });
    }
  }
  // The sort is stable: of equals, the later one counts.
  return rules.sort((a, b) => a.weight - b.weight);
}
