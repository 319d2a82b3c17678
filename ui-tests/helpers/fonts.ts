/**
 * One font on every machine: a picture that a test holds must not depend on what is installed. The browser takes its fonts
 * from fontconfig, which is told of this folder alone.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

const FONTS = path.dirname(require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
/** A browser that finds no font of a name takes any: there shall be no other. */
const FILES = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf', 'DejaVuSansMono.ttf', 'DejaVuSansMono-Bold.ttf'];
const [SANS, MONO] = ['DejaVu Sans', 'DejaVu Sans Mono'];
const FAMILIES = {
  'system-ui': SANS,
  sans: SANS,
  'sans-serif': SANS,
  serif: SANS,
  'ui-monospace': MONO,
  monospace: MONO,
};

/** The environment of a browser that knows these fonts alone. */
export function withFonts(): Record<string, string> {
  const folder = path.join(tmpdir(), 'glassblock-fonts');
  mkdirSync(folder, { recursive: true });
  for (const name of FILES) copyFileSync(path.join(FONTS, name), path.join(folder, name));
  const aliases = Object.entries(FAMILIES).map(
    ([family, font]) =>
      `<match target="pattern"><test name="family"><string>${family}</string></test><edit name="family" mode="assign" binding="strong"><string>${font}</string></edit></match>`,
  );
  const file = path.join(folder, 'fonts.conf');
  const rendering = '<match target="font"><edit name="hinting"><bool>false</bool></edit></match>';
  const text = `<dir>${folder}</dir><cachedir>${folder}/cache</cachedir>${aliases.join('')}${rendering}`;
  writeFileSync(file, `<?xml version="1.0"?><fontconfig>${text}</fontconfig>\n`);
  return { ...(process.env as Record<string, string>), FONTCONFIG_FILE: file };
}
