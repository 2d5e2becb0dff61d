import { setTimeout as pause } from 'node:timers/promises'
import type { Sluice } from '@sluice/core'
import type { DatabaseTarget } from '../database-target.ts'
import { listen } from '../listen.ts'
import { createSluicedApp, type SluicedApp } from '../sluice.ts'
import { StatementCounter } from '../statement-counter.ts'
import { type Orm, openRoutes } from './open-routes.ts'
import { createOrmApp } from './orm-app.ts'

/** The route in one ORM, without and with Sluice. */
export interface OrmComparison {
  readonly orm: Orm
  /** Statements of one request without Sluice. */
  readonly before: number
  /** The same with Sluice, after it has learned the loops of the route, and without a cache. */
  readonly after: number
  /** The response without Sluice. */
  readonly body: string
  /** Whether both responses are equal, byte for byte. */
  readonly isEqual: boolean
}

/** Requests that Sluice needs to learn the loops. */
const WARM_UP = 4
const CATALOG_MS = 200

/**
 * Requests one region through every ORM that runs here, without and with Sluice.
 *
 * @param catalogRead - Waits until Sluice has read the catalog, which it does in the background after the
 *   first query of an ORM. It optimizes nothing before.
 */
export async function compareOrms(
  target: DatabaseTarget,
  region: string,
  catalogRead: (sluice: Sluice) => Promise<unknown> = () => pause(CATALOG_MS),
): Promise<OrmComparison[]> {
  const bare = await measure(target, region, undefined, catalogRead)
  const sluiced = createSluicedApp({ kind: target.kind, mode: 'optimize', report: false, cache: false })
  try {
    const optimized = await measure(target, region, sluiced, catalogRead)
    return [...bare].map(([orm, { statements, body }]) => ({
      orm,
      before: statements,
      body,
      after: optimized.get(orm)?.statements ?? 0,
      isEqual: optimized.get(orm)?.body === body,
    }))
  } finally {
    await sluiced.sluice.close()
  }
}

interface Measured {
  readonly statements: number
  readonly body: string
}

async function measure(
  target: DatabaseTarget,
  region: string,
  sluiced: SluicedApp | undefined,
  catalogRead: (sluice: Sluice) => Promise<unknown>,
): Promise<ReadonlyMap<Orm, Measured>> {
  const counter = new StatementCounter()
  const routes = await openRoutes(target, counter, sluiced)
  const server = await listen(createOrmApp(routes, sluiced?.middleware), 0)
  try {
    const get = async (orm: Orm): Promise<Measured> => {
      const before = counter.statements
      const response = await fetch(`${server.origin}/${orm}/regions/${region}`)
      const body = await response.text()
      if (!response.ok) throw new Error(`${orm}: ${response.status} ${body}`)
      return { statements: counter.statements - before, body }
    }
    const measured = new Map<Orm, Measured>()
    for (const orm of routes.routes.keys()) {
      for (let request = 0; sluiced !== undefined && request < WARM_UP; request += 1) {
        await get(orm)
        if (request === 0) await catalogRead(sluiced.sluice)
      }
      measured.set(orm, await get(orm))
    }
    return measured
  } finally {
    await server.close()
    await routes.close()
  }
}
