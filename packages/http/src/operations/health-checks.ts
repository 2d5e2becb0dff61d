import type { IncomingMessage } from 'node:http'
import { InvalidOptionError, type Sluice } from '@sluice/core'
import { checkOptions, hostOf, option } from '@sluice/core/siblings'

/** A check fails if it throws, rejects or returns `false`. */
export type HealthCheck = () => unknown

export interface HealthOptions {
  /**
   * Additional checks by name. A check fails if its function throws, rejects or returns `false`.
   * @defaultValue none
   */
  readonly checks?: Readonly<Record<string, HealthCheck>>
  /**
   * Whether the databases of attached clients are checked with `SELECT 1`.
   * @defaultValue true
   */
  readonly database?: boolean
  /**
   * Timeout of a check, in milliseconds. Greater than `0`.
   * @defaultValue 1000
   */
  readonly timeoutMs?: number
  /**
   * How long the results of the checks are cached, in milliseconds. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly cacheMs?: number
  /**
   * Returns whether the response lists each check. Otherwise, it contains the status only.
   * @defaultValue requests from this machine
   */
  readonly authorize?: (request: IncomingMessage) => boolean | Promise<boolean>
}

/** @throws InvalidOptionError. */
export function checkHealthOptions(options: HealthOptions): void {
  const { boolean, callback, number, object, positive } = option
  checkOptions(options, {
    checks: object,
    database: boolean,
    timeoutMs: positive,
    cacheMs: number(0),
    authorize: callback,
  })
  for (const [name, check] of Object.entries(options.checks ?? {})) {
    if (typeof check !== 'function') throw new InvalidOptionError(`checks.${name}`, 'a function', check)
  }
}

export type HealthStatus = 'pass' | 'warn' | 'fail'

/** A check, and the status that it has when it fails. */
export interface NamedCheck {
  readonly name: string
  /** `warn`: the app works without it. */
  readonly failing: 'warn' | 'fail'
  readonly check: HealthCheck
}

/** Returns the current checks of a Sluice, and those of the app. */
export function healthChecks(
  sluice: Sluice,
  own: Readonly<Record<string, HealthCheck>>,
  withDatabase: boolean,
): readonly NamedCheck[] {
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

/** Without the store, reads go to the database. */
function store(sluice: Sluice): readonly NamedCheck[] {
  const { pingStore } = hostOf(sluice)
  return pingStore === undefined ? [] : [{ name: 'store', failing: 'warn', check: pingStore }]
}

function balancer(sluice: Sluice): readonly NamedCheck[] {
  const { balancer: engine } = sluice
  if (engine === undefined || engine.nodes.length === 0) return []
  const check = () => {
    const { healthyNodes, degradedNodes, totalNodes } = engine.getClusterStats()
    if (healthyNodes + degradedNodes === 0) throw new Error(`None of the ${totalNodes} nodes is available.`)
  }
  return [{ name: 'balancer', failing: 'fail', check }]
}

function jobs(sluice: Sluice): readonly NamedCheck[] {
  const { jobs: engine } = sluice
  // Do not open the backend, which may create tables.
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
