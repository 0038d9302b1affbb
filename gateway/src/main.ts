// The command line: arguments → command → exit code, nothing else. The codes are in its help.
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { createTokenFor } from './auth/token.ts';
import { run } from './cluster.ts';
import { presets } from './config/presets.ts';
import { printSettings } from './config/show.ts';
import { readSettings, type ServeOptions, withoutFile } from './config/sources.ts';
import { GatewayError } from './errors.ts';
import { ParseError, parse } from './parse.ts';
import { ListenError } from './serve.ts';
import { computeSizing, printSizing, SizingInput } from './sizing.ts';
import { version } from './version.ts';

const program = new Command('gateway')
  .description('A Model Context Protocol gateway. Settings come from the environment (docs/gateway.md).')
  .version(version)
  .showHelpAfterError(
    'Hint: `gateway --help` lists the commands, `gateway COMMAND --help` their options, with examples',
  )
  .addHelpText(
    'after',
    `
Examples:
  export JWT_SECRET_KEY=$(openssl rand -hex 32)
  DATABASE_URL=sqlite:///gateway.db gateway serve --port 4444
  gateway token --username admin --exp 60 --admin
  gateway serve --preset mcp-only --print-config

Exit codes: 0 stopped in order · 1 a fault of the gateway, or of its last worker · 2 wrong usage or settings ·
3 something it needs is not there (database, address) · 130 interrupted while starting, or twice`,
  )
  .exitOverride();

program
  .command('serve')
  .description('run the gateway until SIGTERM or SIGINT')
  .option('--host <address>', 'address to listen on (HOST)')
  .option('--port <number>', 'port to listen on, 0: any (PORT)')
  .option('--workers <number>', 'worker processes, or auto; 0: this process serves (WORKERS)')
  .option('--preset <name>', `settings to start from: ${Object.keys(presets).join(', ')}`)
  .option('--env-file <file>', 'further settings, weaker than the environment; read again on SIGHUP')
  .option('--http2', 'HTTP/2 and 1.1 with TLS (SSL, with CERT_FILE and KEY_FILE)')
  .option('--dev', 'restart the workers when the program or the .env file changes (DEV_MODE)')
  .option('--print-config', 'print every setting with its origin, and end')
  .addHelpText(
    'after',
    `
Examples:
  JWT_SECRET_KEY=… DATABASE_URL=sqlite:///gateway.db gateway serve
  JWT_SECRET_KEY=… DATABASE_URL=postgresql://user:password@host/mcp gateway serve --port 4444 --workers auto
  gateway serve --env-file .env --dev
  CERT_FILE=cert.pem KEY_FILE=key.pem gateway serve --http2 --host 0.0.0.0

Ctrl-C (or SIGTERM) ends it in order: what is being answered is answered first. A second one ends it at once.
SIGHUP reads the settings anew and replaces the workers one by one.`,
  )
  .action(async ({ printConfig, ...options }: ServeOptions & { printConfig?: boolean }) => {
    const environment = withoutFile(process.env, options.envFile);
    const read = () => readSettings(options, environment);
    if (printConfig === true) process.stdout.write(printSettings(read()));
    else await run(read, options.envFile);
  });

program
  .command('token')
  .description('print a token for the Authorization header (JWT_AUDIENCE and JWT_ISSUER as for serve)')
  .requiredOption('--username <name>', 'who the token speaks for')
  .option('--exp <minutes>', 'how long it is good; 0: for ever', toMinutes, 60)
  .option('--admin', 'an administrator’s token, unless the users table says otherwise')
  .option('--secret <key>', 'key it is signed with (default: JWT_SECRET_KEY)')
  .addHelpText('after', '\nExample:\n  gateway token --username admin --exp 60 --secret "$JWT_SECRET_KEY"')
  .action(({ username, exp, admin, secret }: { username: string; exp: number; admin?: boolean; secret?: string }) => {
    const { JWT_SECRET_KEY } = process.env;
    const environment = { ...process.env, JWT_SECRET_KEY: secret ?? JWT_SECRET_KEY };
    const request = { subject: username, expiresInMinutes: exp, isAdmin: admin === true };
    process.stdout.write(`${createTokenFor(environment, request)}\n`);
  });

const sizing = program
  .command('sizing')
  .description("work out the source's formulas: workers, memory, connections, capacity")
  .option('--json', 'as JSON')
  .addHelpText('after', '\nExample:\n  gateway sizing --pods 10 --workers 8 --pool 50 --rps 100');
for (const [name, schema] of Object.entries(SizingInput.properties)) {
  const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const described = 'description' in schema ? String(schema.description) : '';
  sizing.option(`--${option} <number>`, described, toAmount);
}
sizing.action(({ json, ...given }: { json?: boolean } & Record<string, unknown>) => {
  const worked = computeSizing(parseOptions(given));
  process.stdout.write(json === true ? `${JSON.stringify(worked, null, 2)}\n` : printSizing(worked));
});

function parseOptions(given: Record<string, unknown>): SizingInput {
  try {
    return parse(SizingInput, given, 'option');
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new GatewayError('GW_CONFIG_INVALID', { detail: error.message, cause: error });
  }
}

function toAmount(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('must be a number, 0 or more.');
  return Number(text);
}

function toMinutes(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('must be a whole number of minutes, 0 or more.');
  return Number(text);
}

/** Says what went wrong, without a stack for what is not a bug. */
function toExitCode(error: unknown): number {
  // Commander has said it already; its own codes for help and version are 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof GatewayError) {
    process.stderr.write(`${error.message}\nHint: ${error.hint}\n`);
    return error.code === 'GW_CONFIG_INVALID' ? 2 : 3;
  }
  if (error instanceof ListenError) {
    process.stderr.write(`${error.code}: ${error.message}\nHint: ${error.hint}\n`);
    return 3;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = toExitCode(error);
}
