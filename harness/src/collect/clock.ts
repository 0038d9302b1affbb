// The one clock of a run's samples.

/** Ticks at start + n × interval: a late one does not shift those after it, and none is made up for. */
export function startClock(intervalMs: number, onTick: (nowMs: number) => void): { stop(): void } {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout;
  const schedule = (tick: number) => {
    timer = setTimeout(
      () => {
        // A timer may fire a fraction of a millisecond early: half an interval decides which tick it is.
        const current = Math.max(tick, Math.floor((performance.now() - startedAt) / intervalMs + 0.5));
        onTick(Math.round(performance.timeOrigin + startedAt + current * intervalMs));
        schedule(current + 1);
      },
      Math.max(0, startedAt + tick * intervalMs - performance.now()),
    );
    timer.unref();
  };
  schedule(1);
  return { stop: () => clearTimeout(timer) };
}
