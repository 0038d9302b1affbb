// Loaded into a gateway (`node --expose-gc --import …`): on SIGUSR2 it collects garbage and prints what is left, so that a leak
// shows as growth and not as a heap that was not collected yet.
/** One line on standard output. */
export interface MemorySample {
  event: 'memory';
  heapUsedBytes: number;
  externalBytes: number;
  rssBytes: number;
  /** Timers, sockets, servers … that keep the event loop alive. */
  handles: number;
}

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const sample: MemorySample = {
    event: 'memory',
    heapUsedBytes: heapUsed,
    externalBytes: external,
    rssBytes: rss,
    handles: process.getActiveResourcesInfo().length,
  };
  process.stdout.write(`${JSON.stringify(sample)}\n`);
});
