import { judgePool, type PoolLoad, type PoolWaits } from '../../shared/pool-size.ts'
import type { TuningAdvice } from './advice.ts'

/** A pool, and the waits for its connections. */
export interface WaitedPool extends Omit<PoolLoad, 'waits'> {
  /** As in the source of `poolWait`. */
  readonly name: string
  readonly waits: PoolWaits
}

/** Returns advice on a pool that is too small. */
export function poolAdvice(pool: WaitedPool): TuningAdvice | undefined {
  const { name, max, cpu, waits } = pool
  const { meanMs, p95Ms } = waits
  const kind = 'poolSize'
  const problem = `5% of the queries wait at least ${p95Ms.toFixed(0)} ms for a connection of ${name}`
  const usage = `CPU usage is ${cpu.toFixed(0)}%`
  const verdict = judgePool(pool)
  switch (verdict.kind) {
    case 'large-enough':
      return undefined
    case 'busy-cpu':
      return { kind, text: `${problem}, and ${usage}: add workers first.` }
    case 'full-server':
      return {
        kind,
        text: `${problem}, and the server has no free connections: shorten the statements that hold them.`,
      }
    case 'too-small':
      return {
        kind,
        text: `${problem}, while ${usage}: enlarge the pool if the database has capacity. More workers would make it worse.`,
      }
    case 'raise': {
      const { to } = verdict
      const waitMs = meanMs * verdict.share
      return {
        kind,
        setting: poolSetting(name),
        ...(max === undefined ? {} : { from: max }),
        to,
        expected: { measure: 'waitMs', from: meanMs, to: waitMs },
        text: `${problem}, while ${usage}. Raise the maximum of the pool from ${max} to ${to} if the database has capacity: the mean wait of ${short(meanMs)} ms would fall to ${short(waitMs)} ms or less. More workers would make it worse.`,
      }
    }
  }
}

export function poolSetting(name: string): string {
  return `maximum of pool ${name}`
}

function short(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
}
