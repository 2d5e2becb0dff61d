import type { Connection } from '../schema/connection.ts'
import type { CatalogConnections } from './catalog-reader.ts'
import type { ClientDescription } from './client-description.ts'
import { afterTheApp, sendingUntil, statementByStatement, unlessClosed } from './own-connections.ts'

type Work = (connection: Connection) => Promise<void>

/** Returns the ways to query a client's database, without keeping a connection from the app. */
export function catalogConnections(options: ClientDescription): CatalogConnections {
  return {
    connect: async () => {
      await options.connect?.()
      return options.connection() !== undefined
    },
    open: (work, closing) => unlessClosed(options, open(options, work, closing)),
    openBriefly: (work, closing) => unlessClosed(options, openBriefly(options, work, closing)),
  }
}

function connectionUntil(closing: AbortSignal, options: ClientDescription): Connection | undefined {
  const connection = options.connection(closing)
  return connection && sendingUntil(closing, connection)
}

async function open(options: ClientDescription, work: Work, closing: AbortSignal): Promise<void> {
  const connection = connectionUntil(closing, options)
  if (connection === undefined) return
  let isOpen = false
  try {
    if (connection.isBesidePool === true)
      await connection.session?.((own) => {
        isOpen = true
        return work(own)
      })
  } catch (error) {
    if (isOpen || closing.aborted) throw error
  }
  // The server may have no connection left, or the pool may not expose the settings for a new one.
  if (!isOpen) await work(afterTheApp(statementByStatement(connection)))
}

/** Uses an idle connection of the pool, if there is one, instead of a new one. */
async function openBriefly(options: ClientDescription, work: Work, closing: AbortSignal): Promise<void> {
  const connection = connectionUntil(closing, options)
  if (connection === undefined) return
  const { idle = 0, max = 0 } = options.pool?.() ?? {}
  // The app may need the only connection of a pool of one.
  const isIdle = idle > 0 && max > 1
  await (isIdle ? work(afterTheApp(statementByStatement(connection))) : open(options, work, closing))
}
