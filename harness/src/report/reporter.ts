// The port to a report format. Pure: everything it shows comes from the analysis.
import type { Analysis } from '../analyze/analysis.ts';

export interface Reporter {
  id: 'html' | 'markdown' | 'json' | 'csv' | 'junit';
  extension: string;
  /** The whole file. */
  render(analysis: Analysis): string | Promise<string>;
}
