import type { Connection, Dialect } from '@sluice/core'
import type { AdapterHost, ReadRouter, ReplicaAttempt, RunContext } from '@sluice/core/adapter'
import { isRead } from './cache-argument.ts'
import {
  adapterOf,
  clientVersionOf,
  computedFieldsOf,
  dataPathOf,
  globalOmitOf,
  type InternalParams,
  isUnextended,
  originalOf,
  rawQueryOf,
  runtimeDataModelOf,
  type TransactionInfo,
} from './internals.ts'
import { prismaErrors } from './prisma-errors.ts'
import { type PrismaOptions, type PrismaReplica, replicasOf } from './prisma-options.ts'
import { clientName } from './shape.ts'
import { catalogIdOf } from './sluice-adapter.ts'

/** The parts of a call that decide where it can be sent. */
interface RoutableCall {
  readonly model: string | undefined
  readonly operation: string
  readonly args: unknown
  readonly params: InternalParams | undefined
  readonly transaction: TransactionInfo | undefined
}

type Models = Readonly<Record<string, Readonly<Record<string, (args: unknown) => Promise<unknown>>>>>
type Row = Readonly<Record<string, unknown>>

interface ReplicaClient {
  $queryRawUnsafe(sql: string): Promise<readonly Row[]>
  $transaction(
    queries: readonly Promise<unknown>[],
    options: { readonly isolationLevel: 'ReadCommitted' },
  ): Promise<readonly unknown[]>
}

/** Sends reads to replica clients, for all clients that use the same extension. */
export class ReplicaReads {
  readonly #replicas: readonly PrismaReplica[]
  #router: ReadRouter | undefined
  /** The newest client. Any client works, because they all use the same database. */
  #client: WeakRef<object> | undefined
  #isAttached = false
  readonly #similar = new WeakMap<object, boolean>()

  /** @throws InvalidOptionError */
  constructor(
    private readonly host: AdapterHost,
    private readonly options: PrismaOptions,
  ) {
    this.#replicas = replicasOf(options).replicas
  }

  attach(client: object, dialect: Dialect, sourceId: string): void {
    if (this.#replicas.length === 0) return
    this.#client = new WeakRef(client)
    const isUsable = dialect !== 'sqlite' && this.#isSimilar(client)
    if (!isUsable)
      this.host.warn(
        '@sluice/prisma reads from replicas of PostgreSQL and MariaDB only if the replica clients use the same generated code and the same `omit`, and no extension computes fields. All reads of this client go to the primary.',
        'SLUICE_REPLICAS_UNUSED',
      )
    if (this.#isAttached || !isUsable) return
    this.#isAttached = true
    this.#router = this.host.routeReads({
      sourceId,
      dialect,
      errors: prismaErrors,
      options: replicasOf(this.options).options,
      primary: () => this.#primary(dialect),
      replicas: this.#replicas.map(({ client, ...place }) => ({
        ...place,
        connection: () => connectionOf(client as ReplicaClient, dialect),
      })),
    })
  }

  /** Whether reads may go to replicas. */
  get hasReplicas(): boolean {
    return this.#replicas.length > 0
  }

  /**
   * @param isPlain - Whether no extension after Sluice concerns the client.
   * @param send - Queries the primary.
   */
  read(
    client: object,
    context: RunContext,
    call: RoutableCall,
    isPlain: boolean,
    send: () => Promise<unknown>,
  ): Promise<unknown> {
    const { host } = this
    const router = this.#router
    if (router === undefined || this.#similar.get(client) !== true) return send()
    const { model, operation: action, args, params, transaction } = call
    if (transaction !== undefined) {
      router.leave('transaction')
      return send()
    }
    if (
      model === undefined ||
      !isRead(action) ||
      !isPlain ||
      params === undefined ||
      dataPathOf(params) !== ''
    ) {
      router.leave('write')
      return send()
    }
    return router.read({
      scope: host.scopes.current(),
      demand: context.route,
      retriesErrors: true,
      onReplica: (attempt) =>
        sendToReplica(
          this.#replicas[attempt.index]?.client as ReplicaClient,
          attempt,
          clientName(model),
          action,
          args,
        ),
      onPrimary: send,
    })
  }

  #primary(dialect: Dialect): Connection | undefined {
    const client = this.#client?.deref()
    if (client === undefined) return undefined
    // Without Sluice, if possible. Not in a session, which would occupy a connection of the app.
    const catalogId = catalogIdOf(adapterOf(originalOf(client)))
    const own = catalogId === undefined ? undefined : this.host.connections.of(catalogId)
    if (own !== undefined) return { dialect, query: (sql) => own.query(sql) }
    const raw = rawQueryOf(client)
    return raw && { dialect, query: async (sql) => (await raw(sql)) as readonly Row[] }
  }

  /**
   * Whether replica clients return the same results as the client: the same code and omitted fields, and no
   * field that only the client computes.
   */
  #isSimilar(client: object): boolean {
    const own = originalOf(client)
    const omit = JSON.stringify(globalOmitOf(own) ?? {})
    const models = Object.keys(runtimeDataModelOf(client)?.models ?? {})
    const isSimilar =
      models.length > 0 &&
      models.every((model) => computedFieldsOf(client, clientName(model))?.size === 0) &&
      this.#replicas.every(({ client: replica }) => {
        const isSame =
          replica.constructor === own.constructor && clientVersionOf(replica) === clientVersionOf(own)
        return isSame && isUnextended(replica) && JSON.stringify(globalOmitOf(replica) ?? {}) === omit
      })
    this.#similar.set(client, isSimilar)
    return isSimilar
  }
}

/**
 * The read must not see a state older than the replay position. A stricter isolation level would fix the
 * state at the first statement.
 */
const readCommitted = { isolationLevel: 'ReadCommitted' } as const

async function sendToReplica(
  replica: ReplicaClient,
  attempt: ReplicaAttempt,
  model: string,
  action: string,
  args: unknown,
): Promise<unknown> {
  const send = () =>
    (replica as unknown as Models)[model]?.[action]?.(args) ??
    Promise.reject(new TypeError(`The replica client has no ${model}.${action}.`))
  if (!attempt.hasRequiredPosition) return send()
  // On one connection: Prisma may choose any, and a new connection can lead to a server that was restarted.
  let answer: unknown
  await attempt.admit(async (sql) => {
    const [rows, found] = await replica.$transaction([replica.$queryRawUnsafe(sql), send()], readCommitted)
    answer = found
    return rows as readonly Row[]
  })
  return answer
}

function connectionOf(replica: ReplicaClient, dialect: Dialect): Connection {
  return { dialect, query: (sql) => replica.$queryRawUnsafe(sql) }
}
