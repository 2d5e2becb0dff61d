import { sending } from '@sluice/core/adapter'
import type { DatabaseConnection, Driver } from 'kysely'
import type { AbortOptions } from './connection-stand-in.ts'

/** Takes a connection whose statements Sluice sees here, and not in the driver below Kysely. */
export function acquired(driver: Driver, options?: AbortOptions): Promise<DatabaseConnection> {
  return sending({ send: () => driver.acquireConnection(options) })
}

/** The same for the results of a stream. The driver is called when they are requested. */
export async function* streamed<T>(results: AsyncIterableIterator<T>): AsyncGenerator<T, void> {
  try {
    for (;;) {
      const { done, value } = await sending({ send: () => results.next() })
      if (done === true) return
      yield value
    }
  } finally {
    await results.return?.()
  }
}
