// Every kind of infrastructure. An infrastructure profile names one of them (`kind`).
import { embedded } from './embedded.ts';
import { external } from './external.ts';
import type { Infrastructure } from './infrastructure.ts';

export const infrastructures = { embedded, external } satisfies Record<Infrastructure['id'], Infrastructure>;
