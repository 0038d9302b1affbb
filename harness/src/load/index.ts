import { autocannon } from './autocannon.ts';
import type { Driver } from './driver.ts';
import { k6 } from './k6.ts';

export const drivers = { k6, autocannon } satisfies Record<Driver['id'], Driver>;
