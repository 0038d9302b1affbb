// Stands in for a harness that is interrupted or killed: starts the embedded infrastructure, tells each step, stops on SIGINT.
import { HarnessError } from '../../src/errors.ts';
import { infrastructures } from '../../src/infra/index.ts';
import { repository } from '../../src/paths.ts';
import { readInfrastructureProfile, readPostgresProfile, readServerProfile } from '../../src/plan/read.ts';

const [runFolder = ''] = process.argv.slice(2);
const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort());
const say = (line: string) => process.stdout.write(`${line}\n`);
try {
  say('starting');
  await using infrastructure = await infrastructures.embedded.start(
    {
      profile: readInfrastructureProfile('embedded'),
      serverProfile: readServerProfile('standard'),
      postgresProfile: readPostgresProfile('default'),
      subjects: [{ name: 'current', folder: repository, build: 'test' }],
      runFolder,
      gatewayEnvironment: {},
      report: say,
    },
    interrupt.signal,
  );
  say(`running ${JSON.stringify(infrastructure.processes().map(({ pid }) => pid))}`);
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => {}, 1000);
    interrupt.signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
} catch (error) {
  if (!(error instanceof HarnessError)) throw error;
  say(error.message);
  process.exitCode = error.exitCode;
}
