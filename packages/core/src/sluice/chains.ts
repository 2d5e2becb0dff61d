import type { CacheSetUp } from '../cache/cache-set-up.ts'
import { ResultCache } from '../cache/result-cache.ts'
import type { Executor } from '../pipeline/executor.ts'
import type { FirstReads } from '../pipeline/first-reads.ts'
import { guard } from '../pipeline/guard.ts'
import { compose, type Handler, type Interceptor } from '../pipeline/interceptor.ts'
import { type Operation, tablesRead } from '../pipeline/operation.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import type { Mode, ScopeStorage } from '../pipeline/scope.ts'
import { composeNamed, shadow } from '../pipeline/shadow.ts'
import type { ShadowDifference } from '../pipeline/shadow-difference.ts'
import { trackWrites } from '../pipeline/track-writes.ts'
import type { WaitingLookups } from '../pipeline/waiting-lookups.ts'
import type { WriteTracker } from '../pipeline/writes.ts'
import { Batcher } from '../query/batch/batcher.ts'
import { formatShadowDifference } from '../query/detect/format-finding.ts'
import type { Prefetcher } from '../query/prefetch/prefetcher.ts'
import type { SchemaCatalog } from '../schema/catalog.ts'
import type { TableId } from '../schema/catalog-data.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { RandomSource } from '../shared/random.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import { usesRule } from '../shared/yield-rules.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { SluiceOptions } from './options.ts'
import { ResultPolicies } from './result-policies.ts'

/** Precautions for an app that did not choose Sluice. */
export interface Precautions {
  /**
   * Number of batched and prefetched reads of each query that are compared with the results of their own
   * queries, which their callers receive, before batches answer them; 0: none. After one difference, such
   * reads are sent unchanged, and Sluice emits `shadowDifference` and warns with `SLUICE_BATCH_DIFFERED`.
   */
  readonly guardedReads: number
  /**
   * The clients of this process whose statements no Sluice sees, one for each dialect. It can grow. Reads of
   * these dialects are sent unchanged: an unseen statement can write.
   */
  readonly unseenClients: ReadonlyMap<Dialect, string>
}

export interface ChainParts {
  readonly options: SluiceOptions
  readonly executor: Executor
  readonly precautions: Precautions | undefined
  /** `undefined`: caching is switched off. */
  readonly cache: CacheSetUp | undefined
  readonly writes: WriteTracker
  readonly lookups: WaitingLookups
  readonly firstReads: FirstReads
  readonly prefetcher: Prefetcher | undefined
  readonly catalogs: CatalogRegistry
  readonly scopes: ScopeStorage
  readonly stats: QueryStats
  readonly random: RandomSource
  readonly warn: (message: string, code: SluiceWarningCode) => void
  readonly onDifference: (difference: ShadowDifference) => void
  readonly onError: (error: unknown) => void
}

/** The way of an operation in each mode. */
export interface Chains {
  readonly chains: Readonly<Record<Mode, Handler>>
  /** Creates the way of reads in `optimize`: without the step that announces writes. */
  readonly reads: () => Handler
  /** The last step of `optimize`. */
  readonly send: Handler
}

type Step = readonly [name: string, interceptor: Interceptor]

export function createChains(parts: ChainParts): Chains {
  const { executor, prefetcher, stats, scopes, options } = parts
  const { guardedReads = 0, unseenClients } = parts.precautions ?? {}
  const send = prefetcher === undefined ? executor.run : executor.notifying(prefetcher.observe)
  const writes = trackWrites(parts.writes)
  const shared = { tracker: parts.writes, stats, onError: parts.onError }
  const differed = (difference: ShadowDifference) => {
    parts.onDifference(difference)
    parts.warn(
      `Sluice no longer batches this query, because a batched result was different. Unless another process wrote to its tables at that moment, this is a bug of Sluice. Please report it, with the schema of its tables and the versions of the ORM, the driver and the database:\n${formatShadowDifference(difference)}`,
      'SLUICE_BATCH_DIFFERED',
    )
  }
  let created: readonly Step[] | undefined
  const steps = () => {
    created ??= createSteps(parts)
    return created
  }
  const reads = () => {
    const interceptors = steps().map(([, interceptor]) => interceptor)
    const at = steps().findIndex(([name]) => name === 'prefetch' || name === 'batch')
    if (guardedReads > 0 && at >= 0)
      interceptors.splice(at, 0, guard({ ...shared, reads: guardedReads, executor, send, report: differed }))
    // Without a cache and batches, a read has nothing to wait for.
    const canWait = usesRule('first-reads') && (parts.cache !== undefined || options.batch !== false)
    if (canWait) interceptors.unshift(parts.firstReads.interceptor(send))
    if (unseenClients !== undefined) interceptors.unshift(passUnseen(unseenClients, parts))
    return compose(interceptors, send)
  }
  const compare = shadow(
    onFirstUse(() => composeNamed(steps(), send)),
    {
      ...shared,
      sample: options.shadow?.sample ?? 1,
      random: parts.random,
      scopes,
      report: parts.onDifference,
    },
  )
  return {
    chains: {
      observe: compose([writes], executor.run),
      shadow: compose([writes, compare], executor.run),
      optimize: compose([writes], onFirstUse(reads)),
    },
    reads,
    send,
  }
}

function createSteps(parts: ChainParts): readonly Step[] {
  const { options, executor, prefetcher, stats, cache } = parts
  const { batch, exclude } = options
  const steps: Step[] = []
  if (exclude !== undefined) steps.push(['database', createExclusion(exclude, parts)])
  if (cache !== undefined) steps.push(['cache', createResultCache(parts, cache).interceptor])
  if (prefetcher !== undefined) steps.push(['prefetch', prefetcher.interceptor])
  if (batch !== false) {
    const batcher = new Batcher(executor, stats, parts.lookups, {
      windowMs: batch?.windowMs,
      onAnswer: prefetcher?.observe,
    })
    steps.push(['batch', batcher.interceptor])
  }
  return steps
}

/** A chain that is created for the first operation: in `observe`, the cache and the batcher never are. */
function onFirstUse(create: () => Handler): Handler {
  let handler: Handler | undefined
  return (operation, context) => {
    handler ??= create()
    return handler(operation, context)
  }
}

export function createResultCache(
  { options, stats, prefetcher, catalogs, scopes, warn }: ChainParts,
  cache: CacheSetUp,
): ResultCache {
  const policies = new ResultPolicies(options.cache === false ? {} : (options.cache ?? {}), catalogs, warn)
  return new ResultCache(cache.cache, stats, {
    policyOf: policies.of,
    copier: policies.copier,
    isShared: cache.writes.isShared,
    isStrict: policies.isStrict,
    detached: (run) => scopes.leave(run),
    cachesAll: !policies.isUniform,
    onAnswer: prefetcher?.observeCached,
    onDatabase: (name) => cache.derived.reads(name),
  })
}

/** Reads of the dialects of unseen clients are passed through. */
function passUnseen(
  unseenClients: ReadonlyMap<Dialect, string>,
  { stats, executor, warn }: ChainParts,
): Interceptor {
  const warned = new Set<string>()
  return (operation, context, next) => {
    const client = operation.kind === 'read' ? unseenClients.get(operation.source.dialect) : undefined
    if (client === undefined) return next(operation, context)
    stats.passThrough('UNSEEN_CLIENT')
    if (!warned.has(client))
      warn(
        `Sluice sends reads of ${operation.source.dialect} unchanged in this process: it does not see the statements of ${client}, which can write.`,
        'SLUICE_UNSEEN_CLIENT',
      )
    warned.add(client)
    return executor.run(operation, context)
  }
}

/** Reads of excluded tables are passed through. */
function createExclusion(names: readonly string[], parts: ChainParts): Interceptor {
  const { stats, executor } = parts
  const isExcluded = exclusionOf(names, parts)
  return (operation, context, next) => {
    if (operation.kind !== 'read' || !isExcluded(operation)) return next(operation, context)
    stats.passThrough('EXCLUDED')
    return executor.run(operation, context)
  }
}

/** Whether a read uses one of the tables. Before the tables are known, each may be one of them. */
export function exclusionOf(
  names: readonly string[],
  { catalogs }: Pick<ChainParts, 'catalogs'>,
): (operation: Operation) => boolean {
  const excluded = new WeakMap<SchemaCatalog, ReadonlySet<TableId>>()
  const excludedIn = (catalog: SchemaCatalog) => {
    let known = excluded.get(catalog)
    if (known === undefined) {
      known = new Set(names.flatMap((name) => [...catalogs.resolve(name)]))
      excluded.set(catalog, known)
    }
    return known
  }
  return (operation) => {
    const catalog = catalogs.catalog(operation.source.dialect)
    const tables = catalog === undefined ? undefined : excludedIn(catalog)
    return tables === undefined || tablesRead(operation).some((table) => tables.has(table))
  }
}
