/**
 * Numbers as people read them, everywhere on the page: a true minus, a space before a unit, commas between thousands, 0
 * of what is exactly 0 alone, and words for what is no number.
 */

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
  const bare = Number.isNaN(value) || value < 0 || Number(text.replaceAll(',', '')) === 0;
  return bare ? text : `+${text}`;
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

/**
 * A share in percent. Small ones keep a figure, so that 0 means 0, and so do those near 1: 100 means 1. From 1,000 % on no
 * decimals are kept.
 */
export function percent(share: number, decimals = 1): string {
  if (Number.isNaN(share)) return 'NaN';
  const value = 100 * share;
  const size = Math.abs(value);
  if (size >= 999.5) return `${size >= 1e6 ? measured(value, 2) : fixed(value)} %`;
  if (size > 0 && size < 0.01) return value < 0 ? '≈ 0 %' : '< 0.01 %';
  if (size > 0 && size < 10 ** -decimals) return small(value, decimals);
  const left = 100 - value;
  if (decimals > 0 && left > 0 && left < 0.5 * 10 ** -decimals)
    return left < 0.01 ? '> 99.99 %' : `${fixed(value, 2)} %`;
  return `${fixed(value, decimals)} %`;
}

/** One figure of what would else be rounded to nothing. */
function small(value: number, decimals: number): string {
  const digits = Math.abs(value) < 0.095 ? 2 : 1;
  const rounded = Math.abs(Number(value.toFixed(digits)));
  return `${fixed(value, rounded >= 10 ** -decimals ? decimals : digits)} %`;
}

/** A difference of probabilities in percentage points. What is not exactly 0 does not look like it. */
export function points(delta: number): string {
  const size = Math.abs(100 * delta);
  if (size > 0 && size < 0.005) return '≈ 0 pt';
  return `${signed(100 * delta, size > 0 && size < 0.05 ? 2 : 1)} pt`;
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const raised = (power: number) =>
  (power < 0 ? '⁻' : '') + String(Math.abs(power)).replaceAll(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)] as string);

/** Something measured, of any size, to so many figures: 0.0031, 24.8, 1,290, 1.31 × 10⁻⁹. */
export function measured(value: number, figures = 3): string {
  if (!Number.isFinite(value) || value === 0) return fixed(value);
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 999_999.5) {
    const rounded = size >= 10 ** figures ? Math.round(value) : Number(value.toPrecision(figures));
    return fixed(rounded, (String(Math.abs(rounded)).split('.')[1] ?? '').length);
  }
  const [digits = '', power = ''] = value.toExponential(figures - 1).split('e');
  return `${fixed(Number(digits), Number.isInteger(Number(digits)) ? 0 : figures - 1)} × 10${raised(Number(power))}`;
}

/** A number that a configuration states: 0.5, 10,000, 1e−6, as it is written there. */
export function stated(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return fixed(value);
  if (Math.abs(value) < 1e-3) return String(Number(value.toPrecision(4)).toExponential()).replaceAll('-', MINUS);
  return measured(value, 4);
}

/** A weight between 0 and 1 in as many digits as tell it apart from nothing: 0.84, 0.0031. */
export function weightText(value: number): string {
  if (value === 0 || Math.abs(value) >= 0.01 || !Number.isFinite(value)) return fixed(value, 2);
  if (Math.abs(value) < 1e-4) return value < 0 ? '≈ 0' : '< 0.0001';
  return fixed(value, 4);
}

/** How far two predictions are from each other. */
export function nats(kl: number): string {
  // Rounding can make a divergence of nothing a little negative.
  const small = kl !== 0 && kl < 1e-4;
  return `${small ? '< 0.0001' : kl >= 0.095 ? fixed(kl, 2) : measured(kl, 2)} nats`;
}

/** A change with its sign: small ones keep two digits, and what is not exactly zero does not look like it. */
export function effectText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (!(size < 0.095)) return signed(value);
  return size < 0.000_05 ? '≈ 0' : signed(value, size >= 0.0095 ? 3 : 4);
}

/** A statistic in as few characters as tell it apart: 0.43, 6.2, 48, 1.3k. */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '' : fixed(value);
  const size = Math.abs(value);
  if (size >= 999_999.5) return value.toExponential(0).replace('e+', 'e').replace('-', MINUS);
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
