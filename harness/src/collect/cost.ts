// What collectors cost: CPU of this process around their work. Where several work at once, the CPU is shared out evenly,
// so that the sum is never more than the process used.

export interface Cost {
  cpuMs: number;
  wallMs: number;
}

export interface CostMeter {
  /** Adds the cost of `work` to `cost`, also when it throws. */
  run<T>(cost: Cost, work: () => Promise<T>): Promise<T>;
}

export function createCostMeter(): CostMeter {
  const active: Cost[] = [];
  let seenMs = readCpuMs();
  function shareOut(): void {
    const nowMs = readCpuMs();
    for (const cost of active) cost.cpuMs += (nowMs - seenMs) / active.length;
    seenMs = nowMs;
  }
  return {
    async run(cost, work) {
      shareOut();
      active.push(cost);
      const startedAt = performance.now();
      try {
        return await work();
      } finally {
        shareOut();
        active.splice(active.indexOf(cost), 1);
        cost.wallMs += performance.now() - startedAt;
      }
    },
  };
}

function readCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
