// Passwords: scrypt with a salt of its own each, and the policy for new ones. Node has scrypt in every version that we support;
// argon2 came with Node 24.7.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';

/** OWASP's parameters for scrypt with 32 MB (Password Storage Cheat Sheet). Each hash names its own. */
const cost = { N: 2 ** 15, r: 8, p: 3 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;
/** Longer ones only cost time. */
export const PASSWORD_MAX_LENGTH = 1024;

/** Each takes 32 MB and a thread of the pool; a flood of logins must not take all of either. */
const AT_A_TIME = 2;
const WAITING_MAX = 50;

/** `scrypt$N$r$p$salt$key`. @throws GW_BUSY */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, cost);
  return `scrypt$${cost.N}$${cost.r}$${cost.p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** As much work for `undefined` (no such user) as for a wrong password. @throws GW_BUSY */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [scheme, N, r, p, salt = '', key = ''] = (hash ?? nobody).split('$');
  if (scheme !== 'scrypt') return false;
  const derived = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  const wanted = Buffer.from(key, 'base64url');
  return hash !== undefined && wanted.length === derived.length && timingSafeEqual(wanted, derived);
}

/** A hash of no password. */
const nobody = `scrypt$${cost.N}$${cost.r}$${cost.p}$${randomBytes(SALT_BYTES).toString('base64url')}$${'A'.repeat(43)}`;

let running = 0;
const waiting: (() => void)[] = [];

async function derive(password: string, salt: Buffer, { N, r, p }: typeof cost): Promise<Buffer> {
  // A freed place is handed on, not counted down: nobody slips in between.
  if (running >= AT_A_TIME) {
    if (waiting.length >= WAITING_MAX) throw new GatewayError('GW_BUSY', { detail: 'too many logins at a time' });
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running++;
  }
  try {
    return await new Promise((resolve, reject) => {
      // Twice what it takes: the default limit is just below it.
      const maxmem = 256 * N * r;
      scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { N, r, p, maxmem }, (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      });
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}

type Policy = Pick<
  Config,
  | 'PASSWORD_POLICY_ENABLED'
  | 'PASSWORD_MIN_LENGTH'
  | 'PASSWORD_REQUIRE_UPPERCASE'
  | 'PASSWORD_REQUIRE_LOWERCASE'
  | 'PASSWORD_REQUIRE_NUMBERS'
  | 'PASSWORD_REQUIRE_SPECIAL'
>;

/** All that is wrong with it; nothing with the policy switched off. */
export function passwordFaults(password: string, policy: Policy): string[] {
  if (!policy.PASSWORD_POLICY_ENABLED) return [];
  const rules: [boolean, RegExp, string][] = [
    [policy.PASSWORD_REQUIRE_UPPERCASE, /\p{Lu}/u, 'needs an upper-case letter'],
    [policy.PASSWORD_REQUIRE_LOWERCASE, /\p{Ll}/u, 'needs a lower-case letter'],
    [policy.PASSWORD_REQUIRE_NUMBERS, /\p{Nd}/u, 'needs a digit'],
    [policy.PASSWORD_REQUIRE_SPECIAL, /[^\p{L}\p{N}\s]/u, 'needs a character that is neither letter nor digit'],
  ];
  const faults = rules.filter(([isOn, pattern]) => isOn && !pattern.test(password)).map(([, , fault]) => fault);
  if ([...password].length < policy.PASSWORD_MIN_LENGTH) {
    faults.unshift(`needs at least ${policy.PASSWORD_MIN_LENGTH} characters`);
  }
  return faults;
}

/** @throws GW_INVALID_REQUEST with every fault and without the password */
export function requireGoodPassword(password: string, policy: Policy): void {
  const faults = passwordFaults(password, policy);
  if (faults.length === 0) return;
  throw new GatewayError('GW_INVALID_REQUEST', {
    detail: `the password ${faults.join(', ')}`,
    faults: faults.map((message) => ({ path: '/password', message })),
  });
}
