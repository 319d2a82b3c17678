/**
 * The scales as people see them who lack one kind of cone. Simulated with the matrices of Machado, Oliveira and Fernandes,
 * "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG 15(6), 2009, for severity 1.0, in
 * linear RGB. Differences are CIE 1976 distances in Lab (D65): about 2.3 is just noticeable (Mahy et al., 1994).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GRADIENT, signedGradient } from './colour';

type Triple = readonly [number, number, number];
type Matrix = readonly [Triple, Triple, Triple];

const SIGHT: Readonly<Record<string, Matrix>> = {
  'all cones': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

const times = (matrix: Matrix, [r, g, b]: Triple): Triple =>
  matrix.map(([x, y, z]) => x * r + y * g + z * b) as unknown as Triple;

function linear(hex: string): Triple {
  const channel = (at: number) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

const XYZ: Matrix = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
const WHITE: Triple = [0.95047, 1, 1.08883];

/** A colour in CIE Lab, as somebody sees it. */
function lab(hex: string, sight: string): Triple {
  const seen = times(SIGHT[sight] as Matrix, linear(hex)).map((one) => Math.max(0, Math.min(1, one)));
  const root = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const [x = 0, y = 0, z = 0] = times(XYZ, seen as unknown as Triple).map((one, i) => root(one / (WHITE[i] ?? 1)));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const apart = (a: string, b: string, sight: string) => {
  const [one, other] = [lab(a, sight), lab(b, sight)];
  return Math.hypot(...one.map((value, i) => value - (other[i] ?? 0)));
};

const css = readFileSync('src/style/base.css', 'utf8');
const block = (dark: boolean) =>
  css.slice(dark ? css.indexOf('data-theme="dark"') : 0, dark ? undefined : css.indexOf('data-theme="dark"'));
const token = (name: string, dark: boolean) => new RegExp(`--gb-${name}: (#[0-9a-f]{6})`).exec(block(dark))?.[1] ?? '';

describe.each(Object.keys(SIGHT))('with %s', (sight) => {
  it('magnitudes get lighter all the way, and each step is seen', () => {
    const lightness = GRADIENT.map((one) => lab(one, sight)[0]);
    lightness.slice(1).forEach((one, i) => {
      expect(one).toBeGreaterThan(lightness[i] ?? 0);
      expect(apart(GRADIENT[i] ?? '', GRADIENT[i + 1] ?? '', sight)).toBeGreaterThan(5);
    });
  });

  it.each(['light', 'dark'] as const)(
    'each step of the signed scale is seen, and which side of zero it is on, %s',
    (theme) => {
      const scale = signedGradient(theme);
      const [middle, last] = [(scale.length - 1) / 2, scale.length - 1];
      scale.slice(1).forEach((one, i) => {
        expect(apart(scale[i] ?? '', one, sight)).toBeGreaterThan(2.3);
      });
      for (let i = 0; i < middle; i++) expect(apart(scale[i] ?? '', scale[last - i] ?? '', sight)).toBeGreaterThan(12);
    },
  );

  it.each([false, true])('what is ablated is told from what is selected, dark: %s', (dark) => {
    expect(apart(token('cut', dark), token('accent', dark), sight)).toBeGreaterThan(20);
  });
});

// Hues alone do not tell every kind from every other without blue cones: each block also has its name and its side.
it('kinds that stand on the same side of the stream are told apart by hue, with any cones', () => {
  for (const dark of [false, true]) {
    for (const sight of Object.keys(SIGHT)) {
      expect(apart(token('mlp', dark), token('moe', dark), sight), `${sight}, ${dark}`).toBeGreaterThan(12);
      expect(apart(token('attn', dark), token('mixer', dark), sight), `${sight}, ${dark}`).toBeGreaterThan(12);
    }
  }
});
