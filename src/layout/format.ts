/** Numbers as people read them: a true minus, a space before a unit, commas between thousands. */

const MINUS = '−';

/** A number with so many decimals and commas between thousands. */
export function fixed(value: number, decimals = 0): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value < 0 ? `${MINUS}∞` : '∞';
  // Not toLocaleString, which takes a hundred times as long: this runs for every cell of every frame.
  const text = Math.abs(value).toFixed(decimals);
  const [whole = '', fraction] = text.split('.');
  const grouped = whole.length > 3 ? whole.replace(/\B(?=(\d{3})+$)/g, ',') : whole;
  const digits = fraction === undefined ? grouped : `${grouped}.${fraction}`;
  return value < 0 && Number(text) !== 0 ? MINUS + digits : digits;
}

/** The same with its sign, also where it is positive; what rounds to zero has none. */
export function signed(value: number, decimals = 2): string {
  const text = fixed(value, decimals);
  return value < 0 || Number(text.replaceAll(',', '')) === 0 ? text : `+${text}`;
}

/** A count of parameters: 926.7 M, 1.04 B. */
export function big(count: number): string {
  for (const [unit, size] of [
    ['T', 1e12],
    ['B', 1e9],
    ['M', 1e6],
    ['K', 1e3],
  ] as const) {
    // 999,950 and more would print as 1,000.0 K.
    if (count >= size * 0.99995) return `${fixed(count / size, count >= size * 10 || unit === 'K' ? 1 : 2)} ${unit}`;
  }
  return fixed(count);
}

/** A probability, 0 to 1, in percent. Small ones keep a figure, so that 0 means 0, and so do those near 1: 100 means 1. */
export function percent(share: number, decimals = 1): string {
  const value = 100 * share;
  if (value > 0 && value < 10 ** -decimals) return value < 0.001 ? '< 0.001 %' : `${Number(value.toPrecision(1))} %`;
  const left = 100 - value;
  if (decimals > 0 && left > 0 && left < 0.5 * 10 ** -decimals) return nearAll(left);
  return `${fixed(value, decimals)} %`;
}

/** What is missing of 100 % keeps a figure. */
function nearAll(left: number): string {
  const decimals = Math.ceil(-Math.log10(left));
  return decimals > 3 ? '> 99.999 %' : `${(100 - Number(left.toPrecision(1))).toFixed(decimals)} %`;
}

/** A difference of probabilities in percentage points. */
export function points(delta: number): string {
  return `${signed(100 * delta, 1)} pt`;
}

/** A statistic in as few characters as tell it apart: 0.43, 6.2, 48, 1.3k. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '' : fixed(value);
  const size = Math.abs(value);
  if (size >= 9999.5) return `${fixed(value / 1000)}k`;
  if (size >= 999.5) return `${fixed(value / 1000, 1)}k`;
  if (size >= 9.95) return fixed(value);
  if (size === 0) return '0';
  if (size >= 0.995) return fixed(value, 1);
  return size < 0.005 ? '<.01' : fixed(value, 2);
}

/** Layer indices in words: L0 to L2; L3, L7, L11; every 4th, L3 to L19; L0 to L18 but every 4th from L3. */
export function layerRange(indices: readonly number[], stack = ''): string {
  const name = (index: number) => `${stack === '' ? '' : `${stack}.`}L${index}`;
  const [first = 0] = indices;
  const last = indices.at(-1) ?? first;
  if (indices.length === 1) return name(first);
  const step = (last - first) / (indices.length - 1);
  const even = indices.every((index, i) => index === first + i * step);
  if (even && step === 1) return `${name(first)} to ${name(last)}`;
  if (indices.length <= 4) return indices.map(name).join(', ');
  if (even) return `every ${ordinal(step)}, ${name(first)} to ${name(last)}`;
  const but = exceptIn(indices, name);
  return `${but === '' ? 'among ' : ''}${name(first)} to ${name(last)}${but}`;
}

/** Which layers in between are others: a few, or every so many; nothing where that cannot be said shortly. */
function exceptIn(indices: readonly number[], name: (index: number) => string): string {
  const [first = 0] = indices;
  const own = new Set(indices);
  const others = Array.from({ length: (indices.at(-1) ?? first) - first }, (_, i) => first + i).filter(
    (i) => !own.has(i),
  );
  const [from = 0, next = 0] = others;
  if (others.length <= 2) return ` but ${others.map(name).join(', ')}`;
  const even = others.every((index, i) => index === from + i * (next - from));
  return even && next - from > 1 ? ` but every ${ordinal(next - from)} from ${name(from)}` : '';
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
}
