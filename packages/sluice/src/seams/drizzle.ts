import type { Sluice } from '@sluice/core'
import { withSluice } from '@sluice/drizzle'

/** Attaches a client of a driver that Drizzle uses. */
export function drizzleClient<TClient extends object>(client: TClient, sluice: Sluice): TClient {
  return withSluice(client, sluice)
}
