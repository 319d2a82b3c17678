/** Exported pages, made by one Python for all of them: starting it takes longer than reading a model. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';

/** `demo:gpt`, `gallery:gpt2`, `gallery:gpt2 gallery:jamba` (a comparison), or a configuration as JSON. */
export type Source = string;

const PROGRAM = `
import json, sys
import glassblock as gb

def opened(source):
    if source.startswith("demo:"):
        session = gb.demo(source.removeprefix("demo:"))
        return session
    if source.startswith("{"):
        return gb.unfold(json.loads(source))
    names = source.split(" ")
    return gb.unfold(source) if len(names) == 1 else gb.compare(*names)

for path, source in json.load(sys.stdin).items():
    opened(source).save(path)
`;

const folder = mkdtempSync(path.join(tmpdir(), 'glassblock-'));
const fileOf = (source: Source) => path.join(folder, `${source.replaceAll(/[^\w.-]+/g, '-').slice(0, 80)}.html`);

/** Make the pages of these sources, those that are not there yet. */
export function makePages(sources: readonly Source[]): void {
  const missing = sources.filter((source) => !existsSync(fileOf(source)));
  if (missing.length === 0) return;
  const files = Object.fromEntries(missing.map((source) => [fileOf(source), source]));
  execFileSync('python', ['-c', PROGRAM], { input: JSON.stringify(files), stdio: ['pipe', 'ignore', 'inherit'] });
}

/** The address of a source's page; it is made where it is not there yet. */
export function pageOf(source: Source): string {
  makePages([source]);
  return pathToFileURL(fileOf(source)).href;
}
