import { type Sluice, SluiceError, type SluiceOptions, sluiceFrom } from '@sluice/core'
import {
  hostOf,
  isInstrumented,
  markInstrumented,
  registerOwnFrames,
  writeOutcomeOf,
} from '@sluice/core/adapter'
import { type CachedReads, takeControl } from './cache-argument.ts'
import { ClientState, type Hook } from './client-state.ts'
import {
  adapterOf,
  clientVersionOf,
  loadDecimal,
  originalOf,
  providerOf,
  type QueryFunction,
  runtimeDataModelOf,
} from './internals.ts'
import { prismaErrors } from './prisma-errors.ts'
import { checkPrismaOptions, type PrismaOptions } from './prisma-options.ts'
import { ReplicaReads } from './replica-reads.ts'
import { attachRowLoader } from './row-loader.ts'
import { dialectOf } from './schema/prisma-schema-data.ts'
import { usedBy } from './sluice-adapter.ts'
import { currentTransaction, runInTransaction, TransactionContext } from './transaction-context.ts'

registerOwnFrames(import.meta.url, '@prisma', '.prisma', 'prisma')

// biome-ignore lint/complexity/noBannedTypes: Prisma's own word for an extension that adds nothing
type Nothing = {}

/**
 * A client extension that adds the argument `cache` to the reads of every model, and otherwise does not
 * change the client's types.
 */
export type SluiceExtension = (client: unknown) => {
  $extends: {
    extArgs: { result: Nothing; model: { $allModels: CachedReads }; query: Nothing; client: Nothing }
  }
}

/**
 * The type of the client in an interactive transaction of an extended client, for functions that run inside
 * and outside of transactions: it accepts both `tx` and the client.
 *
 * @example
 * ```ts
 * export const prisma = new PrismaClient({ adapter }).$extends(withSluice())
 * export type Db = TransactionClientOf<typeof prisma>
 *
 * const cityById = (db: Db, id: number) => db.city.findUnique({ where: { id } })
 * await prisma.$transaction((tx) => cityById(tx, 1))
 * await cityById(prisma, 1)
 * ```
 */
export type TransactionClientOf<TClient> = Omit<
  TClient,
  '$connect' | '$disconnect' | '$extends' | '$on' | '$transaction' | '$use'
>

type AnyFunction = (...args: never[]) => unknown

interface ExtendableClient {
  $extends(extension: object): ExtendableClient
  readonly $transaction: AnyFunction
  $connect(): Promise<void>
}

/**
 * Creates a Prisma Client extension through which Sluice sees the client's operations.
 *
 * Apply it last: extensions applied before it see every call as the app made it, and Sluice sees the calls
 * that they changed. If an extension applied later hooks queries, Sluice continues to observe, but neither
 * batches nor caches.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @param options - `schema` is the output of `generator sluice`.
 * @throws InvalidOptionError for unknown options or a schema of a different version. When the extension is
 * applied to a client: SluiceError `SLUICE_ADAPTER_REQUIRED`, if the Sluice has a `cache.store` and the
 * client has no `sluiceAdapter`.
 * @example
 * ```ts
 * const prisma = new PrismaClient({ adapter }).$extends(withSluice())
 * ```
 */
export function withSluice(sluice?: Sluice | SluiceOptions, options: PrismaOptions = {}): SluiceExtension {
  checkPrismaOptions(options)
  const used = sluiceFrom(sluice)
  const replicas = new ReplicaReads(hostOf(used), options)
  // As `Prisma.defineExtension` would return it. That module is not loaded: an app has its own client.
  const extension = ((client: ExtendableClient) =>
    attach(client, used, options, replicas)) as unknown as SluiceExtension
  markInstrumented(extension, used)
  return extension
}

function attach(
  client: ExtendableClient,
  sluice: Sluice,
  options: PrismaOptions,
  replicas: ReplicaReads,
): ExtendableClient {
  const host = hostOf(sluice)
  const version = clientVersionOf(client)
  const dialect = dialectOf(providerOf(client))
  if (version === undefined || !isSupported(version)) {
    host.warn(
      `@sluice/prisma works with Prisma 6.16 to 7; this client is ${version ?? 'of an unknown version'}. Its queries pass through.`,
    )
    return passingThrough(client)
  }
  if (dialect === undefined) {
    host.warn(
      `@sluice/prisma does not support the provider "${providerOf(client) ?? 'unknown'}". The client's queries pass through.`,
    )
    return passingThrough(client)
  }
  const state = new ClientState(host, client, dialect, options.schema, replicas)
  if (host.writes.isShared && !state.seesStatements) {
    throw new SluiceError(
      'SLUICE_ADAPTER_REQUIRED',
      'With `cache.store`, expected a client made with `adapter: sluiceAdapter(…)` of the same Sluice: its writes cannot be announced to other processes otherwise.',
    )
  }
  if (host.writes.isShared) loadDecimal()
  usedBy(adapterOf(client), originalOf(client) as ExtendableClient)
  // One extension instead of one per purpose: every layer makes each access to a model slower.
  const extended = client.$extends({
    name: 'sluice',
    query: { $allOperations: (hook: Hook) => state.handle(hook) },
    client: {
      $transaction(this: unknown, first: unknown, ...rest: unknown[]) {
        const original = client.$transaction as (...args: unknown[]) => Promise<unknown>
        if (typeof first !== 'function') return original.call(this, first, ...rest)
        return interactive(
          state,
          (callback) => original.call(this, callback, ...rest),
          first as (tx: unknown) => Promise<unknown>,
        )
      },
      $extends(this: unknown, extension: unknown) {
        // Applied twice, it would see each operation twice.
        if (typeof extension === 'function' && isInstrumented(extension, sluice)) return this
        if (has(extension, 'query')) state.hasInnerExtensions = true
        if (has(extension, 'result')) state.hasLaterComputedFields = true
        return (client.$extends as (extension: unknown) => unknown).call(this, extension)
      },
    },
  })
  attachRowLoader(host, extended, originalOf(client), runtimeDataModelOf(client), dialect)
  return extended
}

/** Prisma must not receive the argument `cache` here either. */
function passingThrough(client: ExtendableClient): ExtendableClient {
  const hook = (call: Hook) => (call.query as QueryFunction)(takeControl(call).args)
  return client.$extends({ name: 'sluice (passing through)', query: { $allOperations: hook } })
}

/** Tracks an interactive transaction: others see its writes when it commits. */
async function interactive(
  state: ClientState,
  start: (callback: (tx: unknown) => Promise<unknown>) => Promise<unknown>,
  callback: (tx: unknown) => Promise<unknown>,
): Promise<unknown> {
  const context = new TransactionContext(state.host.writes.transaction(), currentTransaction())
  let committing = false
  let leave = () => {}
  try {
    const result = await runInTransaction(context, async () =>
      start(async (tx) => {
        leave = state.enter(tx, context)
        const value = await callback(tx)
        // COMMIT follows. A connection that Sluice sees announces it itself, at the last moment.
        committing = true
        if (!state.seesStatements) await context.writes.beforeCommit()
        return value
      }),
    )
    await context.committed()
    return result
  } catch (error) {
    await context.failed(
      committing ? (prismaErrors.writeOutcome(error) ?? writeOutcomeOf(error)) : 'rolled-back',
    )
    throw error
  } finally {
    leave()
    state.host.transactionEnded()
  }
}

function has(extension: unknown, part: 'query' | 'result'): boolean {
  // A function can do anything to the client.
  if (typeof extension === 'function') return true
  return (
    typeof extension === 'object' &&
    extension !== null &&
    (extension as Readonly<Record<string, unknown>>)[part] !== undefined
  )
}

function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major === 7 || (major === 6 && minor >= 16)
}
