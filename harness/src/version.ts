// The harness's version, which a comparison has to share: another one may measure otherwise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './paths.ts';

export const { version } = JSON.parse(readFileSync(join(repository, 'harness/package.json'), 'utf8')) as {
  version: string;
};
