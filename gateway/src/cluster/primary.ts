// The primary: listens, hands each connection to the worker with the least to do, and obeys signals. It serves nothing itself.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Config, ResolvedConfig } from '../config.ts';
import { createNeighbourhood, socketOf, toHome } from '../http/session-home.ts';
import { ListenError, waitForStop } from '../serve.ts';
import { createLog } from '../telemetry/log.ts';
import { chooseSeat, connectionsToShed } from './balance.ts';
import { workerCount } from './cpu-count.ts';
import type { Member } from './member.ts';
import type { Gathered, Report } from './messages.ts';
import { RunTimeSettings } from './run-time-settings.ts';
import { Supervisor } from './supervisor.ts';
import { watchFiles } from './watch-files.ts';
import { WorkerCounts } from './worker-counts.ts';

export interface PrimaryOptions {
  settings: ResolvedConfig;
  /** Of the worker: the program itself. */
  program: string;
  /** Runs the migrations, once, before any worker. */
  prepare: () => Promise<void>;
  /** Reads the settings anew, for SIGHUP. @throws GW_CONFIG_INVALID */
  reread: () => ResolvedConfig;
  /** Files and folders whose change restarts the workers. */
  watched?: (string | undefined)[];
}

const BALANCE_MS = 1000;
const BEAT_CHECK_MS = 250;

/** Runs until SIGTERM or SIGINT. @throws ListenError, WorkerEnded, and what `prepare` throws */
export async function runPrimary({ settings, program, prepare, reread, watched = [] }: PrimaryOptions): Promise<void> {
  const { config } = settings;
  const stop = waitForStop();
  const log = createLog(config);
  const waiting: Socket[] = [];
  const neighbourhood = createNeighbourhood();
  let url = '';
  let end: (exitCode: number) => void = () => undefined;
  const gone = new Promise<number>((resolve) => {
    end = resolve;
  });
  cluster.setupPrimary({ exec: program, args: ['serve'] });

  function onReport(member: Member, report: Report): void {
    if (report.type === 'recycle') supervisor.renew(member, report.reason);
    else if (report.type === 'ready') runTime.ready(member);
    else if (report.type === 'applied') runTime.applied(member, report.id);
    else if (report.type === 'change') runTime.change(member, report.id, report.changes);
    else if (report.type === 'counted') counts.take(member, report.snapshot, report.id);
    else if (report.type === 'last') counts.takeLast(member, report.snapshot);
    else if (report.type === 'gather') counts.gather().then((all) => tellGathered(member, report.id, all));
    else if (report.type === 'gone') {
      for (const other of supervisor.members) if (other !== member) other.tell({ type: 'drop', gone: report.gone });
    }
  }
  const supervisor = new Supervisor({
    settings,
    url: () => url,
    home: (id) => toHome(neighbourhood, id),
    log,
    onReport,
    onReady: () => {
      for (const socket of waiting.splice(0)) hand(socket);
    },
    onEnd: (member) => {
      counts.end(member);
      // One that was killed leaves its socket behind, and others would knock there.
      const home = toHome(neighbourhood, member.id);
      if (home !== undefined) rmSync(socketOf(home.folder, home.mark), { force: true });
    },
    onGone: end,
  });
  const counts = new WorkerCounts(supervisor.members);

  const runTime = new RunTimeSettings(supervisor, log);

  function hand(socket: Socket): void {
    const member = chooseSeat(supervisor.serving);
    if (member !== undefined) member.give(socket, () => hand(socket));
    else if (waiting.length < config.BACKLOG) waiting.push(socket);
    else socket.destroy();
  }

  await prepare();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, hand);
  url = await listen(server, config);
  try {
    await supervisor.start(workerCount(config.WORKERS));
    using _balance = every(BALANCE_MS, () => {
      const { serving } = supervisor;
      const shed = connectionsToShed(serving);
      if (shed !== undefined) serving.find(({ id }) => id === shed.id)?.tell({ type: 'shed', count: shed.count });
    });
    using _beats = every(BEAT_CHECK_MS, (lateMs) => {
      // After a pause of the whole machine (or of this process) every beat looks old.
      if (lateMs < BEAT_CHECK_MS) supervisor.checkBeats(config.TIMEOUT);
    });
    const renewAll = (reason: string) => {
      try {
        runTime.reread(reread());
        supervisor.renewAll(reason);
      } catch (error) {
        log.error({ error: String(error) }, 'the settings are faulty: the old ones stay in force');
      }
    };
    stop.listening();
    process.on('SIGHUP', () => renewAll('SIGHUP'));
    using _watching = watchFiles(watched, (file) => renewAll(`${file} changed`));
    const pids = supervisor.serving.map(({ pid }) => pid);
    process.stdout.write(`${JSON.stringify({ event: 'listening', url, pid: process.pid, workers: pids })}\n`);
    const reason = await Promise.race([stop.asked, gone]);
    log.info({ reason }, 'stopping');
    if (typeof reason === 'number') process.exitCode = reason;
  } finally {
    server.close();
    await supervisor.stop();
    for (const socket of waiting) socket.destroy();
  }
}

function tellGathered(member: Member, id: number, gathered: Gathered): void {
  member.tell({ type: 'gathered', id, ...gathered });
}

async function listen(server: Server, { HOST, PORT, BACKLOG, SSL }: Config): Promise<string> {
  try {
    server.listen({ host: HOST, port: PORT, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(`${HOST}:${PORT}`, error as NodeJS.ErrnoException);
  }
  const { address, family, port } = server.address() as AddressInfo;
  return `http${SSL ? 's' : ''}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function every(ms: number, run: (lateMs: number) => void): Disposable {
  let dueAtMs = performance.now() + ms;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    run(nowMs - dueAtMs);
    dueAtMs = nowMs + ms;
  }, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
