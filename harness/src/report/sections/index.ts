// The sections of a report, in the order of reading. To add one: one file, one line here.
import type { SectionBuilder } from '../section.ts';
import { cachesSection } from './caches.ts';
import { comparisonSection } from './comparison.ts';
import { environmentSection } from './environment.ts';
import { findingsSection } from './findings.ts';
import { layersSection } from './layers.ts';
import { overheadSection } from './overhead.ts';
import { postgresSection } from './postgres.ts';
import { qualitySection } from './quality.ts';
import { resultsSection } from './results.ts';
import { sessionsSection } from './sessions.ts';
import { sloSection } from './slos.ts';
import { timelineSection } from './timeline.ts';

export const sections = {
  comparison: ({ analysis }) => comparisonSection(analysis),
  slos: sloSection,
  results: resultsSection,
  overhead: overheadSection,
  layers: layersSection,
  caches: cachesSection,
  sessions: sessionsSection,
  timeline: timelineSection,
  postgresql: postgresSection,
  recommendations: findingsSection,
  quality: qualitySection,
  environment: environmentSection,
} as const satisfies Record<string, SectionBuilder>;
