// What collectors are started with in tests: real parts, as far as the test has them.
import type { CollectorContext } from '../../src/collect/collector.ts';
import type { RunningGateway, WatchedProcess } from '../../src/infra/infrastructure.ts';
import type { PlannedTrial, SubjectName } from '../../src/plan/plan.ts';

export interface Parts {
  gateways?: Partial<Record<SubjectName, Partial<RunningGateway>>>;
  processes?: () => WatchedProcess[];
  loadPids?: ReadonlySet<number>;
  runFolder?: string;
}

export function contextOf({
  gateways = {},
  processes = () => [],
  loadPids = new Set(),
  runFolder = '',
}: Parts): CollectorContext {
  const complete = Object.entries(gateways).map(([name, gateway]): [string, RunningGateway] => [
    name,
    {
      subject: {
        ...{ name: name as SubjectName, build: 'test', serverProfile: 'standard', settings: {} },
        ...{ node: null, postgres: null, url: gateway.url ?? '' },
      },
      url: '',
      token: 'a-token-of-the-test',
      cpus: [],
      ...gateway,
    },
  ]);
  return {
    infrastructure: {
      pinning: { pinned: false, gateway: [], load: [], others: [], note: '' },
      gateways: Object.fromEntries(complete),
      upstreams: [],
      processes,
      restartGateway: async () => false,
      adopt: () => () => {},
      async [Symbol.asyncDispose]() {},
    },
    loadPids,
    runFolder,
    intervalSeconds: 1,
  };
}

export function trialOf(subject: SubjectName): PlannedTrial {
  return {
    ...{ id: `tools_list.closed.${subject}.r1`, scenario: 'tools_list', loop: 'closed', engine: 'autocannon' },
    ...{ subject, round: 1, requests: 100, concurrency: 5, ratePerSecond: null },
    ...{ durationSeconds: 1, turnSeconds: null, expectedSeconds: 2, note: null },
  };
}
