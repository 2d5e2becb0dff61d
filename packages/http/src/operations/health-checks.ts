import type { IncomingMessage } from 'node:http'
import { InvalidOptionError, type Sluice } from '@sluice/core'
import { checkOptions, hostOf, option } from '@sluice/core/siblings'

/** Fails by throwing, by rejecting, or with `false`. */
export type HealthCheck = () => unknown

export interface HealthOptions {
  /**
   * What the app needs besides, by name: a function that throws, rejects or gives `false` where it fails.
   * @defaultValue none
   */
  readonly checks?: Readonly<Record<string, HealthCheck>>
  /**
   * Whether the databases of attached clients are asked `SELECT 1`.
   * @defaultValue true
   */
  readonly database?: boolean
  /**
   * Milliseconds that one check may take. Greater than `0`.
   * @defaultValue 1000
   */
  readonly timeoutMs?: number
  /**
   * Milliseconds for which the result of the checks is given again, however often it is asked for. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly cacheMs?: number
  /**
   * Who is told of each check, and not the status alone.
   * @defaultValue who asks from this machine itself
   */
  readonly authorize?: (request: IncomingMessage) => boolean | Promise<boolean>
}

/** @throws InvalidOptionError. */
export function checkHealthOptions(options: HealthOptions): void {
  const { boolean, callback, number, object, positive } = option
  checkOptions(options, { checks: object, database: boolean, timeoutMs: positive, cacheMs: number(0), authorize: callback })
  for (const [name, check] of Object.entries(options.checks ?? {})) {
    if (typeof check !== 'function') throw new InvalidOptionError(`checks.${name}`, 'a function', check)
  }
}

export type HealthStatus = 'pass' | 'warn' | 'fail'

/** One check, and what it means when it fails. */
export interface NamedCheck {
  readonly name: string
  /** `warn`: the app goes on without it. */
  readonly failing: 'warn' | 'fail'
  readonly check: HealthCheck
}

/** What there is to be checked of a Sluice at this moment, and what the app wants to be. */
export function healthChecks(sluice: Sluice, own: Readonly<Record<string, HealthCheck>>, withDatabase: boolean): readonly NamedCheck[] {
  return [
    ...(withDatabase ? databases(sluice) : []),
    ...store(sluice),
    ...balancer(sluice),
    ...jobs(sluice),
    ...Object.entries(own).map(([name, check]): NamedCheck => ({ name, failing: 'fail', check })),
  ]
}

function databases(sluice: Sluice): readonly NamedCheck[] {
  return hostOf(sluice)
    .connections.all()
    .map((connection, at) => ({
      name: at === 0 ? 'database' : `database:${at + 1}`,
      failing: 'fail',
      check: () => connection.query('SELECT 1'),
    }))
}

/** Reads go to the database without it. */
function store(sluice: Sluice): readonly NamedCheck[] {
  const { pingStore } = hostOf(sluice)
  return pingStore === undefined ? [] : [{ name: 'store', failing: 'warn', check: pingStore }]
}

function balancer(sluice: Sluice): readonly NamedCheck[] {
  const { balancer: engine } = sluice
  if (engine === undefined || engine.nodes.length === 0) return []
  const check = () => {
    const { healthyNodes, degradedNodes, totalNodes } = engine.getClusterStats()
    if (healthyNodes + degradedNodes === 0) throw new Error(`None of ${totalNodes} nodes is up.`)
  }
  return [{ name: 'balancer', failing: 'fail', check }]
}

function jobs(sluice: Sluice): readonly NamedCheck[] {
  const { jobs: engine } = sluice
  // Looking opens no backend: that may make tables.
  if (engine?.isOpen !== true) return []
  return engine.getQueues().map(({ name }) => ({
    name: `jobs:${name}`,
    failing: 'warn',
    check: async () => {
      const { health, reasons } = await engine.getQueueHealth(name)
      if (health === 'unhealthy') throw new Error(reasons.join(' '))
    },
  }))
}
