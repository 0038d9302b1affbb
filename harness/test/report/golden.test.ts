// The whole report as a file to review. Renew: npx vitest run harness/test/report/golden.test.ts -u
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../../src/paths.ts';
import { reporters } from '../../src/report/index.ts';
import { renderTerminal } from '../../src/report/terminal.ts';
import { createSample, withComparison } from './sample.ts';

const golden = (name: string) => join(repository, 'harness/test/fixtures/report', name);

/** Chart.js and our own style and script change on their own: they are not what is reviewed here. */
function withoutParts(page: string): string {
  return page
    .replace(/<style>[\s\S]*?<\/style>/, '<style></style>')
    .replace(/<script>[\s\S]*?<\/script>/g, '<script></script>')
    .replaceAll(/sha256-[^;&]+/g, 'sha256-');
}

test('the report of the sample run is as reviewed', async () => {
  const sample = withComparison(createSample({ samples: 1200 }));
  await expect(withoutParts(reporters.html.render(sample) as string)).toMatchFileSnapshot(golden('report.html'));
  await expect(reporters.markdown.render(sample)).toMatchFileSnapshot(golden('report.md'));
  await expect(reporters.csv.render(sample)).toMatchFileSnapshot(golden('report.csv'));
  await expect(reporters.junit.render(sample)).toMatchFileSnapshot(golden('report.xml'));
  await expect(renderTerminal(sample, { colors: false })).toMatchFileSnapshot(golden('report.txt'));
});
