import { type AdapterClient, EVERYTHING, type WriteEffect } from '@sluice/core/adapter'
import { compiled } from './internals/builder.ts'
import type { BuilderInternals, ClientInternals, RunnerInternals } from './internals/types.ts'

type Run<T = unknown> = () => Promise<T>

/** Sends what an app issues on one Knex instance in the order of its calls. */
export class CallOrder {
  /** By connection that does not belong to an optimized read: the function that ends its reservation. */
  readonly #reserved = new Map<object, () => void>()
  /** The purpose of the connection that is being requested. */
  #acquiring: 'read' | 'statement' | undefined

  constructor(private readonly client: AdapterClient) {}

  /** Whether any connection is reserved. */
  get hasReserved(): boolean {
    return this.#reserved.size > 0
  }

  /** Takes a connection from the pool. */
  acquire(acquire: Run<object>): Promise<object> {
    const { isActive, order } = this.client
    if (this.#acquiring === 'read' || !isActive || !order.isSingle) return acquire()
    return this.#reserve(acquire, this.#acquiring === 'statement')
  }

  async #reserve(acquire: Run<object>, isForStatement: boolean): Promise<object> {
    const { value, leave } = await this.client.order.reserve(acquire, isForStatement)
    this.#reserved.set(value, leave)
    return value
  }

  release(connection: object, release: Run<void>): Promise<void> {
    const leave = this.#reserved.get(connection)
    if (leave === undefined) return release()
    return release().then(() => {
      leave()
      this.#reserved.delete(connection)
    })
  }

  /** Sends a query of a read: it is the read that keeps the order, not its connection. */
  sendRead<T>(run: Run<T>): Promise<T> {
    return this.#acquireFor('read', run)
  }

  /** A runner of a read that Sluice does not optimize. */
  passing(runner: RunnerInternals): RunnerInternals {
    const { order } = this.client
    if (!order.isSingle) return runner
    const run = runner.run.bind(runner)
    runner.run = () => order.pass(() => this.sendRead(run))
    return runner
  }

  /**
   * Runs a statement that is not a read, outside of transactions. While it waits for its connection, nothing
   * that it modifies is served from memory.
   */
  async issue(client: ClientInternals, builder: BuilderInternals, run: Run): Promise<unknown> {
    const { order } = this.client
    order.dispatch()
    const ended = order.issued(() => this.#effectOf(client, builder))
    try {
      return await this.#acquireFor('statement', run)
    } finally {
      ended()
    }
  }

  #effectOf(client: ClientInternals, builder: BuilderInternals): WriteEffect | undefined {
    const query = compiled(client, builder)
    return query === undefined || 'error' in query
      ? EVERYTHING
      : this.client.effectOf(query.sql, query.bindings)
  }

  #acquireFor<T>(acquiring: 'read' | 'statement', run: Run<T>): Promise<T> {
    this.#acquiring = acquiring
    try {
      // Knex requests the connection synchronously.
      return run()
    } finally {
      this.#acquiring = undefined
    }
  }
}
