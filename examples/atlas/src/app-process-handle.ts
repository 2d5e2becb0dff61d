import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { DatabaseTarget } from './database-target.ts'

export type Consistency = 'strict' | 'bounded'

export interface AppProcessPlan {
  readonly target: DatabaseTarget
  readonly redisUrl: string
  /** Processes of one namespace share what they keep. */
  readonly namespace: string
  readonly consistency: Consistency
}

/** A separate process that serves the app with Sluice. */
export interface AppProcess {
  readonly origin: string
  readonly pid: number
  close(): Promise<void>
}

/**
 * Starts a process that serves the app on a free port.
 *
 * @param execArgv - What Node is started with.
 * @throws Error when it ends before it serves.
 */
export async function startAppProcess(
  plan: AppProcessPlan,
  execArgv: readonly string[] = process.execArgv,
): Promise<AppProcess> {
  const child = fork(join(import.meta.dirname, 'app-process.ts'), [JSON.stringify(plan)], {
    execArgv: [...execArgv],
  })
  const origin = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)))
    child.once('error', reject)
    child.once('exit', (code) =>
      reject(new Error(`A process of the app exited with code ${code} before it served.`)),
    )
  })
  return {
    origin,
    pid: child.pid ?? 0,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
