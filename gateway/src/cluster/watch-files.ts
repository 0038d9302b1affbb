// For DEV_MODE: tells of changed files, once per burst (a build writes many).
import { statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

const QUIET_MS = 200;

/** Folders with all below them; a file through its folder: editors put a new one in its place, which a watched file would miss. */
export function watchFiles(paths: (string | undefined)[], onChange: (file: string) => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const tell = (file: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => onChange(file), QUIET_MS);
  };
  const watchers = paths
    .filter((path) => path !== undefined)
    .map((path) => {
      if (statSync(path).isDirectory()) {
        return watch(path, { recursive: true, persistent: false }, (_event, file) => tell(file ?? path));
      }
      const name = basename(path);
      return watch(dirname(path), { persistent: false }, (_event, file) => {
        if (file === name) tell(name);
      });
    });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
