// The formats of a report. To add one: one file, one line here.

import { csv } from './csv.ts';
import { renderPage } from './html.ts';
import { json } from './json.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { createPage } from './page.ts';
import type { Reporter } from './reporter.ts';

export { type ComparedAnalysis, type ComparisonFormat, renderComparison } from './comparison.ts';

const html: Reporter = { id: 'html', extension: 'html', render: (analysis) => renderPage(createPage(analysis)) };

export const reporters = { html, markdown, json, csv, junit } as const satisfies Record<Reporter['id'], Reporter>;
