// What a run has started stands in a file of its own as long as it is there, so that the next run can remove what a
// SIGKILLed one left behind: exactly those processes and folders, and nothing else.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { cacheFolder } from '../paths.ts';
import { hasCode, identifyProcess, isRunning, ProcessIdentity, readBootId } from '../process-identity.ts';
import { toMessage } from './cleanup-stack.ts';
import { politeLadder, StopLadder, stopByLadder } from './stop-ladder.ts';

/** Folders that a run may remove carry this prefix; a record that names another folder is not obeyed. */
export const RUN_FOLDER_PREFIX = 'gatebench-';

const RunRecord = Type.Object(
  {
    owner: ProcessIdentity,
    boot: Type.String({ description: 'of the machine: after another boot no process of ours is left' }),
    pidNamespace: Type.String({ description: 'pids mean nothing outside of it (two containers, one checkout)' }),
    processes: Type.Array(
      Type.Object(
        { name: Type.String(), identity: ProcessIdentity, ladder: StopLadder },
        { additionalProperties: false },
      ),
    ),
    folders: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);
type RunRecord = Static<typeof RunRecord>;

/** The record of the run that is going on. Every change is on disk when the call returns. */
export interface RunRegistry {
  /** @returns what forgets it again, to be called once it has ended */
  addProcess(name: string, identity: ProcessIdentity, ladder: StopLadder): () => void;
  /** `addProcess` by pid, for a generator: it has nothing to close. */
  adopt(name: string, pid: number): () => void;
  /** @param path its last part starts with `RUN_FOLDER_PREFIX` */
  addFolder(path: string): () => void;
  /** Removes the record, unless something in it could not be stopped or removed: that is left to the next run. */
  close(): void;
}

export const runRecordsFolder = join(cacheFolder, 'runs');

let opened = 0;

/** Opens a record for what this process starts. */
export function openRunRegistry(recordsFolder: string = runRecordsFolder): RunRegistry {
  const owner = identifyProcess(process.pid);
  if (owner === undefined) throw new Error(`the process table does not show this process (${process.pid})`);
  const record: RunRecord = { owner, ...whereWeRun(), processes: [], folders: [] };
  mkdirSync(recordsFolder, { recursive: true });
  opened += 1;
  const file = join(recordsFolder, `${owner.pid}-${opened}.json`);
  const write = () => {
    writeFileSync(`${file}.new`, JSON.stringify(record));
    renameSync(`${file}.new`, file);
  };
  write();
  const addProcess: RunRegistry['addProcess'] = (name, identity, ladder) => {
    const entry = { name, identity, ladder };
    record.processes.push(entry);
    write();
    return () => {
      record.processes = record.processes.filter((one) => one !== entry);
      write();
    };
  };
  return {
    addProcess,
    adopt(name, pid) {
      const identity = identifyProcess(pid);
      return identity === undefined ? () => {} : addProcess(name, identity, politeLadder);
    },
    addFolder(path) {
      record.folders.push(path);
      write();
      return () => {
        record.folders = record.folders.filter((one) => one !== path);
        write();
      };
    },
    close() {
      if (record.processes.length === 0 && record.folders.length === 0) rmSync(file, { force: true });
    },
  };
}

/**
 * Ends what runs left whose own process is gone, and removes their folders.
 * @param report gets one line for each thing that was found
 */
export async function removeLeftovers(
  report: (line: string) => void,
  recordsFolder: string = runRecordsFolder,
): Promise<void> {
  const here = whereWeRun();
  for (const file of listRecords(recordsFolder)) {
    const record = readRecord(file, report);
    if (record === undefined || isOwnedElsewhere(record, here)) continue;
    const isThisBoot = record.boot === here.boot;
    if (isThisBoot && isRunning(record.owner)) continue;
    const failures = isThisBoot ? await stopProcesses(record, report) : [];
    if (failures.length === 0) failures.push(...(await removeFolders(record, report)));
    if (failures.length === 0) rmSync(file, { force: true });
    for (const failure of failures) report(`${failure}; the next run tries again`);
  }
}

function isOwnedElsewhere(record: RunRecord, here: { boot: string; pidNamespace: string }): boolean {
  return record.boot === here.boot && record.pidNamespace !== here.pidNamespace;
}

async function stopProcesses(record: RunRecord, report: (line: string) => void): Promise<string[]> {
  const failures: string[] = [];
  for (const { name, identity, ladder } of record.processes.toReversed()) {
    if (!isRunning(identity)) continue;
    try {
      const signal = await stopByLadder(identity, ladder);
      report(`ended ${name} (pid ${identity.pid}, ${signal}), left by an earlier run (pid ${record.owner.pid})`);
    } catch (error) {
      failures.push(`${name}, left by an earlier run, could not be ended: ${toMessage(error)}`);
    }
  }
  return failures;
}

async function removeFolders(record: RunRecord, report: (line: string) => void): Promise<string[]> {
  const failures: string[] = [];
  for (const folder of record.folders) {
    if (!basename(folder).startsWith(RUN_FOLDER_PREFIX)) {
      report(`left ${folder} alone: a run record names it, but no run of ours makes such a folder`);
      continue;
    }
    try {
      await rm(folder, { recursive: true, force: true });
      report(`removed ${folder}, left by an earlier run (pid ${record.owner.pid})`);
    } catch (error) {
      failures.push(`${folder}, left by an earlier run, could not be removed: ${toMessage(error)}`);
    }
  }
  return failures;
}

function listRecords(recordsFolder: string): string[] {
  try {
    return readdirSync(recordsFolder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(recordsFolder, name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Undefined when another run has removed the record meanwhile, or when it cannot be read (then it is said). */
function readRecord(file: string, report: (line: string) => void): RunRecord | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return Value.Parse(RunRecord, JSON.parse(text));
  } catch (error) {
    report(`${file} cannot be read and is left alone: ${toMessage(error)}`);
    return undefined;
  }
}

function whereWeRun(): { boot: string; pidNamespace: string } {
  if (process.platform !== 'linux') return { boot: '', pidNamespace: '' };
  return {
    boot: readBootId(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
  };
}
