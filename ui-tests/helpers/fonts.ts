/**
 * One font on every machine: a picture that a test holds must not depend on what is installed. The browser takes its fonts
 * from fontconfig, which is told of this folder alone.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

const FONTS = path.dirname(require.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
const FAMILIES = {
  'system-ui': 'DejaVu Sans',
  'sans-serif': 'DejaVu Sans',
  'ui-monospace': 'DejaVu Sans Mono',
  monospace: 'DejaVu Sans Mono',
};

/** The environment of a browser that knows these fonts alone. */
export function withFonts(): Record<string, string> {
  const folder = path.join(tmpdir(), 'glassblock-fonts');
  mkdirSync(folder, { recursive: true });
  const aliases = Object.entries(FAMILIES).map(
    ([family, font]) =>
      `<alias binding="same"><family>${family}</family><prefer><family>${font}</family></prefer></alias>`,
  );
  const file = path.join(folder, 'fonts.conf');
  const rendering = '<match target="font"><edit name="hinting"><bool>false</bool></edit></match>';
  writeFileSync(
    file,
    `<?xml version="1.0"?><fontconfig><dir>${FONTS}</dir><cachedir>${folder}</cachedir>${aliases.join('')}${rendering}</fontconfig>\n`,
  );
  return { ...(process.env as Record<string, string>), FONTCONFIG_FILE: file };
}
