// Puts what a bench has measured into a document, between the markers that name the bench: no figure there is typed by hand.
// For the benches of both packages.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const END = '<!-- end -->';

/** From gateway/dist/bench, where the benches run. */
const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..');

/**
 * @param document relative to the repository, such as `docs/performance.md`
 * @param bench as the marker `<!-- measured by … -->` names it, such as `harness/bench/load.ts`
 * @throws Error when the document has lost its markers
 */
export function writeMeasured(document: string, bench: string, lines: readonly string[]): void {
  const file = join(repository, document);
  const text = readFileSync(file, 'utf8');
  const marker = `<!-- measured by ${bench} -->`;
  const begin = text.indexOf(marker);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`${document} has lost its markers ${marker} and ${END}`);
  writeFileSync(file, `${text.slice(0, begin + marker.length)}\n${lines.join('\n')}\n${text.slice(end)}`);
}

export const row = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** The head of a table: its names and the line below them. */
export function heading(...names: string[]): string[] {
  return [row(...names), `|${names.map(() => '---|').join('')}`];
}

/** What every table of measurements has to say of where it was measured. */
export function describeMachine(): string {
  // Of the machine: the bench itself is pinned to one.
  const cores = cpus();
  const model = cores[0]?.model.trim() || 'unknown CPU';
  return `${model}, ${cores.length} cores, Linux ${release()}, Node ${process.version}`;
}
