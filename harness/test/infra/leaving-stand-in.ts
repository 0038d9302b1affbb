// Stands in for a harness that is killed: starts two processes and a folder, says so, and waits for its end.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { openRunRegistry } from '../../src/infra/leftovers.ts';
import { startProcess } from '../../src/infra/process.ts';
import { politeLadder } from '../../src/infra/stop-ladder.ts';
import { identifyProcess } from '../../src/process-identity.ts';

const [folder = ''] = process.argv.slice(2);
const registry = openRunRegistry(join(folder, 'runs'));
const dataFolder = mkdtempSync(join(folder, 'gatebench-data-'));
registry.addFolder(dataFolder);
const forever = 'setInterval(() => {}, 1000)';
const scripts = [forever, `require('child_process').spawn(process.execPath, ['-e', '${forever}']); ${forever}`];
const identities = [];
for (const script of scripts) {
  const started = await startProcess({
    name: 'a part',
    command: process.execPath,
    args: ['-e', script],
    environment: {},
    folder,
    cpus: [],
    logFile: join(folder, 'part.log'),
    failure: 'GATEWAY_FAILED',
    ladder: politeLadder,
    registry,
  });
  identities.push(identifyProcess(started.pid));
}
process.stdout.write(`${JSON.stringify({ identities, dataFolder })}\n`);
setInterval(() => {}, 1000);
