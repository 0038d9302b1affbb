// The port to what the load runs against. Implementations: embedded.ts (started here), external.ts (--target-url).
import type { InfrastructureProfile, PostgresProfile, ServerProfile } from '../plan/infrastructure-profile.ts';
import type { SubjectName } from '../plan/plan.ts';
import type { Subject } from '../result/result.ts';

/** Cores by role; empty lists where nothing is pinned. */
export interface Pinning {
  pinned: boolean;
  gateway: number[];
  load: number[];
  others: number[];
  note: string;
}

/** Which gateway to run as a subject. `folder` is a built checkout (this repository, or the worktree of `--against`). */
export interface SubjectRequest {
  name: SubjectName;
  folder: string;
  build: string;
}

export interface InfrastructureRequest {
  profile: InfrastructureProfile;
  serverProfile: ServerProfile;
  postgresProfile: PostgresProfile;
  subjects: SubjectRequest[];
  /** Logs and data folders lie here; embedded data folders are removed at the end, logs stay. */
  runFolder: string;
  /** Extra environment of the gateway process (NODE_OPTIONS of a test), per subject. */
  gatewayEnvironment: Partial<Record<SubjectName, Record<string, string>>>;
  /** For `external`: the target. */
  target?: { url: string; token: string; upstreamUrl?: string };
  /** One line for the live display: "PostgreSQL 17.10 ready on port 43567 (1.2 s)". */
  report(line: string): void;
}

/** A process that a collector may watch. */
export interface WatchedProcess {
  role: 'gateway' | 'postgres' | 'upstream' | 'load';
  subject?: SubjectName;
  pid: number;
}

export interface RunningGateway {
  subject: Subject;
  url: string;
  /** A bearer token that outlives the run. Never printed, never written. */
  token: string;
  /** Connection string of the gateway's own database, when it is ours. */
  databaseUrl?: string;
  /** Where its output goes, when it is ours. */
  logFile?: string;
  /** Cores it is pinned to. */
  cpus: number[];
}

/**
 * Running infrastructure. Disposing stops everything in reverse order, each part although another failed to stop, and
 * leaves no process, folder or port behind.
 */
export interface RunningInfrastructure extends AsyncDisposable {
  pinning: Pinning;
  gateways: Partial<Record<SubjectName, RunningGateway>>;
  /** MCP servers to register with every gateway; the first is the fast time server. */
  upstreams: { name: string; url: string }[];
  postgresVersion?: string;
  /** Processes as they are now (a restarted gateway has a new pid). */
  processes(): WatchedProcess[];
  /**
   * Puts a process that somebody else has started for this run (a load generator, a leader of its group) on the run's record, so that
   * the next run ends it when this one is killed. @returns what forgets it, to be called once it has ended
   */
  adopt(name: string, pid: number): () => void;
  /** Stops and starts one gateway on its own database; its `url` may change. No-op (false) where it is not ours. */
  restartGateway(subject: SubjectName): Promise<boolean>;
}

export interface Infrastructure {
  id: InfrastructureProfile['kind'];
  /** @throws HarnessError with exit code 3; what was started until then is stopped. Aborting stops and throws INTERRUPTED. */
  start(request: InfrastructureRequest, signal: AbortSignal): Promise<RunningInfrastructure>;
}
