import type { Sluice } from '@sluice/core'
import type { PoolDescription } from '@sluice/core/adapter'
import { drizzleDescription as description, withSluice } from '@sluice/drizzle'

/** Attaches a client of a driver that Drizzle uses. */
export function drizzleClient<TClient extends object>(client: TClient, sluice: Sluice): TClient {
  return withSluice(client, sluice)
}

/** How the adapter of any other driver is described below Drizzle. */
export function drizzleDescription(): PoolDescription {
  return description
}
