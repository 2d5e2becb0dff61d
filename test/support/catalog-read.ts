import { setTimeout as pause } from 'node:timers/promises'
import type { Connection, Sluice } from '@sluice/core'
import { readCatalog, type SchemaCatalog } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { vi } from 'vitest'
import { SOON } from './patience.ts'

const MAX_TRIES = 2_000
const DIALECTS = ['postgresql', 'mysql', 'sqlite'] as const

/**
 * Waits until each catalog that is being read is known. Until then, nothing is optimized, and any write
 * counts as one to everything.
 */
export async function catalogsRead(sluice: Sluice): Promise<void> {
  const { catalogs, isOptimizing } = hostOf(sluice)
  if (!isOptimizing()) return
  for (let tries = 0; !catalogs.isKnown() || catalogs.isReading(); tries += 1) {
    // A request for an outdated catalog causes a new read.
    for (const dialect of DIALECTS) catalogs.catalog(dialect)
    if (tries === MAX_TRIES) throw new Error('Expected the catalog to be read within 10 seconds.')
    await pause(5)
  }
}

/**
 * Reads a catalog. Reading it fails while other tests change settings of the server.
 *
 * @param named - MySQL: databases to read in addition to that of the connection.
 */
export function readStillCatalog(
  connection: Connection,
  named: readonly string[] = [],
): Promise<SchemaCatalog> {
  return vi.waitFor(() => readCatalog(connection, undefined, named), SOON)
}

/** Connects a Prisma client, and waits until the catalog of its database is known. */
export async function connectRead(client: { $connect(): Promise<void> }, sluice: Sluice): Promise<void> {
  await client.$connect()
  await catalogsRead(sluice)
}
