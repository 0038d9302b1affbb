// For DEV_MODE: tells of changed files, once per burst (a build writes many).
import { watch } from 'node:fs';

const QUIET_MS = 200;

export function watchFiles(paths: (string | undefined)[], onChange: (file: string) => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const watchers = paths
    .filter((path) => path !== undefined)
    .map((path) =>
      watch(path, { recursive: true, persistent: false }, (_event, file) => {
        clearTimeout(timer);
        timer = setTimeout(() => onChange(file ?? path), QUIET_MS);
      }),
    );
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}
