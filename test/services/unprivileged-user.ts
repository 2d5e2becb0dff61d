import { readFileSync } from 'node:fs'

export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/**
 * The user that runs a server. Servers refuse to run as root: then it is the first known user of the machine,
 * or `nobody`.
 *
 * @returns `undefined` if this process is not root: servers run as its user.
 */
export function unprivilegedUser(names: readonly string[]): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = new Map<string, SystemUser>()
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name !== undefined) users.set(name, { uid: Number(uid), gid: Number(gid) })
  }
  for (const name of [...names, 'nobody']) {
    const user = users.get(name)
    if (user !== undefined) return user
  }
  throw new Error(
    `A server does not run as root, and the machine has none of the users ${[...names, 'nobody'].join(', ')}.`,
  )
}
