// What a request costs two workers, beside one: both gateways share the subject's core and take turns, so that the difference is
// the workers' own (the hand-over of connections, caches that are warm twice, what they tell each other).
import type { GatewayProcess } from '../test/e2e/gateway-process.ts';
import { childrenOf, cpuSeconds } from './cpu.ts';
import type { LoadJob } from './http-load.ts';
import { type Load, median, moveToCore, SUBJECT_CORE } from './rig.ts';

export interface TwoWorkers {
  /** CPU time per request, all processes, microseconds. */
  oneUs: number;
  twoUs: number;
  /** Median of the pairs. */
  cpuRatio: number;
  /** Of the CPU time of both workers, that of the one that had less: 0.5 is even. */
  smallerShare: number;
}

interface Block {
  cpuUsPerRequest: number;
  byWorker: number[];
}

/** The jobs are of the same call; connections are kept for the whole block. */
export async function measureTwoWorkers(
  one: { gateway: GatewayProcess; job: LoadJob },
  two: { gateway: GatewayProcess; job: LoadJob },
  load: Load,
  rounds: number,
): Promise<TwoWorkers> {
  async function measure({ gateway, job }: typeof one): Promise<Block> {
    const workers = await childrenOf(gateway.pid);
    const spent = () => Promise.all([gateway.pid, ...workers].map(cpuSeconds));
    const before = await spent();
    const { requests } = await load(job);
    const used = (await spent()).map((seconds, at) => seconds - (before[at] ?? 0));
    const [, ...byWorker] = used;
    return { cpuUsPerRequest: (used.reduce((sum, seconds) => sum + seconds, 0) / requests) * 1e6, byWorker };
  }

  for (const arm of [one, two]) {
    for (const pid of [arm.gateway.pid, ...(await childrenOf(arm.gateway.pid))]) await moveToCore(SUBJECT_CORE, pid);
    await load(arm.job);
  }
  const pairs: { one: Block; two: Block }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const first = await measure(round % 2 === 0 ? one : two);
    const second = await measure(round % 2 === 0 ? two : one);
    pairs.push(round % 2 === 0 ? { one: first, two: second } : { one: second, two: first });
  }
  const share = ({ byWorker }: Block) => Math.min(...byWorker) / byWorker.reduce((sum, seconds) => sum + seconds, 0);
  return {
    oneUs: median(pairs.map((pair) => pair.one.cpuUsPerRequest)),
    twoUs: median(pairs.map((pair) => pair.two.cpuUsPerRequest)),
    cpuRatio: median(pairs.map((pair) => pair.two.cpuUsPerRequest / pair.one.cpuUsPerRequest)),
    smallerShare: median(pairs.map((pair) => share(pair.two))),
  };
}
