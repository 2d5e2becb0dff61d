import { AsyncResource } from 'node:async_hooks'
import type { FirstCatalogs } from '../schema/first-catalogs.ts'
import type { Handler, Interceptor } from './interceptor.ts'

/**
 * Lets the first reads of a process wait for the catalog that is being read, so that they can be batched and
 * cached, too. They are sent before anything that the app sends after them and that is not a read.
 */
export class FirstReads {
  /** In the order in which they were issued. */
  #waiting: (() => void)[] = []

  constructor(private readonly catalogs: FirstCatalogs) {
    catalogs.settled = this.release
  }

  /** Sends the reads that wait. */
  readonly release = (): void => {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const send of waiting) send()
  }

  /** @param unoptimized - The last step: sends an operation. */
  interceptor(unoptimized: Handler): Interceptor {
    return (operation, context, next) => {
      if (operation.kind !== 'read') {
        this.release()
        return next(operation, context)
      }
      // An ORM that batches a read itself sends it later than other operations of the same tick.
      const isAlone = operation.inTransaction || operation.shape?.mergedByOrm === true
      if (!this.catalogs.isAwaited || isAlone) return next(operation, context)
      this.catalogs.wait()
      return new Promise((resolve, reject) => {
        const send = () => {
          try {
            const current = operation.afresh?.() ?? operation
            const handler = current.kind === 'read' ? next : unoptimized
            handler(current, context).then(resolve, reject)
          } catch (error) {
            reject(error)
          }
        }
        const timer = context.scope?.timer
        this.#waiting.push(AsyncResource.bind(timer === undefined ? send : () => timer.inside(send)))
      })
    }
  }
}
