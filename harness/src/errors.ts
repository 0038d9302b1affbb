// Every error that a user can meet: a stable code, the exit code it leads to, what it means and what to try next.
// Exit codes: 0 pass · 1 gate or SLO failed · 2 usage or configuration · 3 infrastructure · 4 invalid or undecided · 130 interrupted.

export const errors = {
  USAGE: { exitCode: 2, message: 'the command line is not right', hint: 'add --help to see the options with examples' },
  CONFIG_INVALID: { exitCode: 2, message: 'the configuration breaks its schema', hint: 'correct the named properties' },
  SCENARIO_INVALID: { exitCode: 2, message: 'a scenario breaks its schema', hint: 'correct the named properties' },
  SCENARIO_UNKNOWN: { exitCode: 2, message: 'no such scenario', hint: '`npm run perf -- --list-scenarios` names them' },
  PROFILE_UNKNOWN: { exitCode: 2, message: 'no such profile', hint: '`npx harness list` names them' },
  PROFILE_INVALID: { exitCode: 2, message: 'a profile breaks its schema', hint: 'correct the named properties' },
  BASELINE_UNKNOWN: {
    exitCode: 2,
    message: 'no such baseline',
    hint: '`npx harness baseline list` names them; `--baseline NAME` keeps one',
  },
  BASELINE_INVALID: {
    exitCode: 2,
    message: 'the baseline cannot be read',
    hint: 'restore the file from git, or keep a new one with `--baseline NAME`',
  },
  RESULT_INVALID: {
    exitCode: 2,
    message: 'the result cannot be read',
    hint: 'name a run folder below reports/, or its result.json',
  },
  GIT_REF_UNKNOWN: {
    exitCode: 2,
    message: 'git cannot build that reference',
    hint: 'name a commit, branch or tag that `git rev-parse` knows',
  },
  PORT_IN_USE: { exitCode: 3, message: 'the port is taken', hint: 'stop what listens there, or choose another port' },
  POSTGRES_FAILED: { exitCode: 3, message: 'PostgreSQL did not start', hint: 'the last lines of its log stand above' },
  UPSTREAM_FAILED: {
    exitCode: 3,
    message: 'the benchmark MCP servers did not start',
    hint: 'the last lines of their output stand above',
  },
  GATEWAY_FAILED: {
    exitCode: 3,
    message: 'the gateway did not start or stopped',
    hint: 'the last lines of its log stand above',
  },
  TARGET_DOWN: { exitCode: 3, message: 'the target does not answer', hint: 'start it, or correct --target-url' },
  TARGET_UNAUTHORIZED: {
    exitCode: 3,
    message: 'the target refuses the token',
    hint: 'put a valid token into the variable that --token-env names',
  },
  TARGET_NONSENSE: {
    exitCode: 3,
    message: 'the target does not speak as a gateway does',
    hint: 'check that --target-url is the gateway itself',
  },
  K6_MISSING: {
    exitCode: 3,
    message: 'k6 could not be found or fetched',
    hint: 'put k6 on PATH, or go on without it: --engine autocannon',
  },
  LOAD_FAILED: {
    exitCode: 3,
    message: 'the load generator failed',
    hint: 'its output stands above and in the run folder',
  },
  DISK_FULL: { exitCode: 3, message: 'there is not enough disk space', hint: 'free some space below reports/' },
  SYSTEM_FAILED: {
    exitCode: 3,
    message: 'the system refused something that a run needs',
    hint: 'look at the owner and the permissions of reports/ and .cache/, and at the limits of this user',
  },
  INTERNAL: {
    exitCode: 3,
    message: 'this is a defect of Gatebench',
    hint: 'report it with the lines above and the run folder',
  },
  COMPARISON_REFUSED: {
    exitCode: 4,
    message: 'the two results cannot be compared',
    hint: 'keep a baseline on this machine with this profile; --force-compare overrides',
  },
  INTERRUPTED: { exitCode: 130, message: 'interrupted', hint: 'what was measured until then is kept' },
} as const satisfies Record<string, { exitCode: number; message: string; hint: string }>;

export type ErrorCode = keyof typeof errors;

/** An error for the user: never printed with a stack trace. `detail` says what failed, what was seen, what was expected. */
export class HarnessError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: number;
  readonly hint: string;
  constructor(code: ErrorCode, options: { detail: string; cause?: unknown; hint?: string }) {
    super(`${code}: ${errors[code].message}: ${options.detail}`, { cause: options.cause });
    this.name = 'HarnessError';
    this.code = code;
    this.exitCode = errors[code].exitCode;
    this.hint = options.hint ?? errors[code].hint;
  }
}
