// Says which build lies in a folder.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The commit (12 digits), with "+changes" when something was changed since; "no git" where git does not know. */
export async function describeBuild(folder: string): Promise<string> {
  let commit: string;
  try {
    commit = await git(folder, ['rev-parse', '--short=12', 'HEAD']);
  } catch {
    return 'no git';
  }
  const changes = await git(folder, ['status', '--porcelain']);
  return changes === '' ? commit : `${commit}+changes`;
}

/** Runs git and gives its output, trimmed. */
export async function git(folder: string, args: string[], signal?: AbortSignal): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, maxBuffer: 64e6, ...(signal && { signal }) });
  return stdout.trim();
}
