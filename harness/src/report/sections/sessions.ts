// The gateway's sessions with its upstreams: opened or used again, and circuits that are not closed.
import { type SessionUse, toSessionUse } from '../../analyze/gateway-insight.ts';
import type { ReportContext } from '../context.ts';
import { formatCount, formatNumber, NONE } from '../format.ts';
import type { Block, Section } from '../section.ts';
import { type Cell, createTable } from '../table.ts';
import { toldGroups, whyNotTold } from '../told-groups.ts';

export function sessionsSection(context: ReportContext): Section {
  const groups = toldGroups(context);
  const rows = groups.flatMap(({ title, loop, artifacts }) => {
    const use = toSessionUse(artifacts);
    // A scenario that calls no upstream has nothing to show.
    return use === undefined || isIdle(use) ? [] : [[title, loop, ...toCells(use)]];
  });
  const missing = whyNotTold(context, groups, 'sessions');
  const blocks: Block[] = [];
  if (rows.length > 0) blocks.push(toTable(rows));
  else if (missing === null) blocks.push({ kind: 'text', text: 'No trial used a session with an upstream.' });
  if (missing !== null) blocks.push({ kind: 'text', text: missing });
  return {
    id: 'sessions',
    title: 'Upstream sessions',
    lead: 'What the session pool did during the trials. A session that is opened for a call costs a handshake; at steady state nearly every call should use one that is there. A circuit breaker that is not closed is also among the recommendations.',
    blocks,
  };
}

function isIdle({ created, reused, waited, createFailures, acquireTimeouts, trips, circuits }: SessionUse): boolean {
  return created + reused + waited + createFailures + acquireTimeouts + trips + circuits.length === 0;
}

function toCells(use: SessionUse): (Cell | string)[] {
  const calls = use.created + use.reused;
  const bad = (count: number): Cell | string =>
    count === 0 ? formatCount(count) : { text: formatCount(count), tone: 'bad' };
  return [
    formatCount(use.created),
    formatCount(use.reused),
    calls === 0 ? NONE : formatNumber((100 * use.reused) / calls, 1),
    formatCount(use.waited),
    bad(use.createFailures),
    bad(use.acquireTimeouts),
    bad(use.trips),
    use.circuits.length === 0
      ? 'all closed'
      : { text: use.circuits.map(({ url, state }) => `${url} ${state}`).join(', '), tone: 'bad' },
  ];
}

function toTable(rows: (Cell | string)[][]) {
  return createTable(
    'Sessions with upstreams by scenario',
    [
      { title: 'Scenario', header: true },
      { title: 'Loop' },
      { title: 'Opened', number: true },
      { title: 'Used again', number: true },
      { title: 'Used again', unit: '%', number: true },
      { title: 'Waited for one', number: true },
      { title: 'Failed to open', number: true },
      { title: 'Waited too long', number: true },
      { title: 'Circuit trips', number: true },
      { title: 'Circuits' },
    ],
    rows,
  );
}
