import { readFileSync } from 'node:fs'

export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

const NAMES = ['postgres', 'nobody']

/**
 * The user that runs PostgreSQL, which refuses to run as root. `undefined`: this process's user is suitable.
 */
export function serverUser(): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  const users = lines
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
  for (const name of NAMES) {
    const user = users.find((one) => one.name === name)
    if (user !== undefined) return { uid: user.uid, gid: user.gid }
  }
  throw new Error(`PostgreSQL does not run as root, and there is no user ${NAMES.join(' or ')}.`)
}
