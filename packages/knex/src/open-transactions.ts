import type { AdapterClient, PgTransactions, TransactionReads } from '@sluice/core/adapter'
import type { ClientInternals, Container, Emitter, RunnerInternals } from './internals/types.ts'

interface OpenTransaction {
  /** The client of the instance, or of the transaction that it is nested in. */
  readonly outer: ClientInternals
  /** The objects of Knex on which an app can register listeners for it. */
  readonly emitters: readonly Emitter[]
  /** `undefined`: none of its reads are served from the cache. */
  readonly reads: TransactionReads | undefined
}

/** The transactions of one Knex instance, by their client: Knex creates one for each. */
export class OpenTransactions {
  readonly #open = new WeakMap<ClientInternals, OpenTransaction>()
  readonly #connections = new WeakMap<ClientInternals, object>()

  constructor(
    private readonly client: AdapterClient,
    private readonly pg: PgTransactions | undefined,
  ) {}

  /** Called with each query of a transaction. The first one begins it. */
  uses(client: ClientInternals, connection: object): void {
    if (!this.#connections.has(client)) this.#connections.set(client, connection)
  }

  /**
   * Creates a transaction.
   *
   * @param create - Creates it. Knex calls the container after BEGIN.
   */
  create(
    outer: ClientInternals,
    container: Container | undefined,
    create: (container: Container | undefined) => Emitter,
  ): Emitter {
    if (typeof container !== 'function') return create(container)
    const transaction = create((transactor) => {
      const { client } = transactor
      const connection = this.#connections.get(client)
      const isFollowed = connection !== undefined && this.pg?.follow(connection) === true
      const reads = isFollowed ? this.client.readsOf(connection) : undefined
      this.#open.set(client, { outer, emitters: [transaction, transactor], reads })
      return container(transactor)
    })
    return transaction
  }

  of(client: ClientInternals): OpenTransaction | undefined {
    return this.#open.get(client)
  }

  /** Runs a builder that is not a read: no read is served until it has ended. */
  send(client: ClientInternals, run: () => Promise<unknown>): Promise<unknown> {
    return this.#open.get(client)?.reads?.follow(run) ?? run()
  }

  /** Spoils the reads of a transaction when a runner streams, because it sends its statement later. */
  followStream(client: ClientInternals, runner: RunnerInternals): void {
    const reads = this.#open.get(client)?.reads
    if (reads?.isClean !== true) return
    const { stream } = runner
    runner.stream = (...args) => {
      reads.spoil()
      return stream.apply(runner, args)
    }
  }
}
