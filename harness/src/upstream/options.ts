// What the benchmark servers can be told. The command line, the environment and the in-process API share this schema.
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { HarnessError } from '../errors.ts';

export const ServersOptions = Type.Object(
  {
    count: Type.Integer({ default: 10, minimum: 0, maximum: 1000, description: 'benchmark servers to start' }),
    startPort: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 65_535,
      description: 'port of the first server, the others follow; 0: the operating system chooses each',
    }),
    tools: Type.Integer({ default: 50, minimum: 0, maximum: 10_000, description: 'tools per benchmark server' }),
    resources: Type.Integer({
      default: 20,
      minimum: 0,
      maximum: 10_000,
      description: 'resources per benchmark server',
    }),
    prompts: Type.Integer({ default: 10, minimum: 0, maximum: 10_000, description: 'prompts per benchmark server' }),
    fastTime: Type.Boolean({
      default: true,
      description: 'also start the fast time server, on the port after the last',
    }),
    pageSize: Type.Integer({ default: 1000, minimum: 1, maximum: 10_000, description: 'entries per page of a list' }),
    bodyLimitBytes: Type.Integer({
      default: 8 * 1024 * 1024,
      minimum: 1024,
      maximum: 256 * 1024 * 1024,
      description: 'larger requests are answered with 413',
    }),
  },
  { additionalProperties: false },
);
export type ServersOptions = Static<typeof ServersOptions>;

/**
 * Fills in the defaults and checks.
 * @throws HarnessError USAGE with every fault
 */
export function parseServersOptions(value: unknown): ServersOptions {
  const options = Value.Default(ServersOptions, structuredClone(value));
  if (!Value.Check(ServersOptions, options)) {
    const faults = Value.Errors(ServersOptions, options).map((fault) => {
      const seen = fault.instancePath === '' ? value : Value.Pointer.Get(options, fault.instancePath);
      return `${fault.instancePath || '/'} ${fault.message}, got ${JSON.stringify(seen)}`;
    });
    throw new HarnessError('USAGE', { detail: faults.join('; ') });
  }
  const highest = options.startPort + options.count + (options.fastTime ? 1 : 0) - 1;
  if (options.startPort > 0 && highest > 65_535) {
    throw new HarnessError('USAGE', { detail: `the last server would need port ${highest}, the highest is 65535` });
  }
  if (options.count === 0 && !options.fastTime) {
    throw new HarnessError('USAGE', { detail: 'no server to start: count is 0 and the fast time server is off' });
  }
  return options;
}
