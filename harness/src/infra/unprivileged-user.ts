// PostgreSQL refuses to run as root: then another user of this machine runs it. No user is ever created.
import { readFileSync } from 'node:fs';

export interface UnprivilegedUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Users that root can run a server as: `nobody` first, then the others as /etc/passwd lists them. Only users that stand
 * there qualify: initdb looks its own name up.
 */
export function listUnprivilegedUsers(passwd: string = readFileSync('/etc/passwd', 'utf8')): UnprivilegedUser[] {
  const users = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 7 && Number(fields[2]) > 0 && Number(fields[3]) > 0)
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  return users.toSorted((one, other) => Number(other.name === 'nobody') - Number(one.name === 'nobody'));
}
