import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ProcessInfo } from '../protocol/common.ts'

/** A process without its index among the others. */
export type ProcessIdentity = Omit<ProcessInfo, 'index' | 'of'>

/** @param name - The name of the app. */
export function processIdentity(name: string): ProcessIdentity {
  const startedAt = Date.now() - Math.round(process.uptime() * 1_000)
  return { id: randomBytes(6).toString('hex'), pid: process.pid, hostname: hostname(), name, startedAt }
}

/** The name in the package.json of the working directory. */
export function appName(folder: string = process.cwd()): string {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly name?: unknown
    }
    return typeof name === 'string' && name !== '' ? name : 'app'
  } catch {
    return 'app'
  }
}
