import { hostOf, type Sluice } from '@sluice/core'
import type { HealthCheck } from './health-options.ts'

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
