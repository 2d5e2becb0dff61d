import type { RoutedClient } from '../../pipeline/read-routing.ts'
import type { ScopeStorage } from '../../pipeline/scope.ts'
import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { RandomSource } from '../../shared/random.ts'
import type { SluiceWarningCode } from '../../shared/warning-codes.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { mariadbPositions, type Position, type Positions, postgresqlPositions } from './positions.ts'
import { type FollowedWrites, ReadYourWritesTracker } from './read-your-writes-tracker.ts'
import { DEFAULT_MAX_LAG_MS, resolveReplicaOptions } from './replica-options.ts'
import { ReplicaRouter } from './replica-router.ts'
import type { ReplicaRoutingStats } from './replica-stats.ts'
import { DOUBT_MS, RequiredPositions } from './required-positions.ts'

/** Something was written, at a position that is not known: who takes it over asks for one. */
const PENDING = '*'
/** The same, and the outcome is not known. */
const DOUBTFUL = '?'
const MAX_TOKEN_LENGTH = 1_000
/**
 * With `synchronous_commit = off`, a replica may get a commit so much later: three times `wal_writer_delay`,
 * which is 200 ms.
 */
const LATE_COMMIT_MS = 600

/** Writes, as a consistency token without a position. */
export type PendingConsistencyToken = '' | '*' | '?'

interface ReplicaRoutersParts {
  readonly scopes: ScopeStorage
  readonly clock: Clock
  readonly random: RandomSource
  readonly sharesCached: boolean
  readonly warn: (message: string, code: SluiceWarningCode) => void
  readonly onError: (error: unknown) => void
}

/** The routers of a Sluice's clients with replicas. */
export class ReplicaRouters {
  readonly #requiredPositions: RequiredPositions
  readonly #routers = new Set<ReplicaRouter>()
  readonly #stopWatching: () => void
  #places = 0

  constructor(private readonly parts: ReplicaRoutersParts) {
    this.#requiredPositions = new RequiredPositions(parts.clock)
    this.#stopWatching = parts.scopes.watch((scope, outer) => {
      if (outer !== undefined) this.#requiredPositions.share(scope, outer)
    })
  }

  /** Destinations of the reads of each client with replicas. */
  getStats(): readonly ReplicaRoutingStats[] {
    return [...this.#routers].map((router) => router.getStats())
  }

  /**
   * The consistency token of the current scope, or, outside of scopes, of the process: a short string for a
   * cookie or a header. A scope that takes it over reads the writes of this one, in any process. If there are
   * several clients with replicas, every process must attach them in the same order.
   */
  async consistencyToken(): Promise<string> {
    const scope = this.parts.scopes.current()
    const required =
      scope === undefined ? this.#requiredPositions.ofProcess() : this.#requiredPositions.of(scope)
    if (required === undefined) return ''
    if (this.parts.clock.now() < required.doubtfulUntil) return DOUBTFUL
    const routers = [...this.#routers]
    if (routers.length === 0) return required.write === 0 ? '' : PENDING
    const texts = await Promise.all(
      routers.map(async (router) => `${router.place}:${(await router.textOf(required)) ?? PENDING}`),
    )
    return texts.join(',')
  }

  /**
   * The writes of the current scope as a token, synchronously: `''` for none, `'*'`, or `'?'` if an outcome
   * is unknown. It does not include tokens that the scope took over.
   *
   * It contains no position: the scope that takes it over queries one. Therefore, of the tokens of several
   * scopes, any one stands for all, in any order of arrival.
   */
  pendingConsistencyToken(): PendingConsistencyToken {
    const scope = this.parts.scopes.current()
    const own = scope === undefined ? undefined : this.#requiredPositions.of(scope)?.own
    return own === 'unknown' ? DOUBTFUL : own === 'something' ? PENDING : ''
  }

  /**
   * Milliseconds for which a token is useful: after that, all replicas that are read from have the writes
   * that it stands for. Measured from the time when it was returned, or later. Uses the maximum `maxLagMs`;
   * without clients with replicas, its default.
   */
  consistencyTokenLifetimeMs(token: PendingConsistencyToken): number {
    if (token === '') return 0
    const routers = [...this.#routers]
    const maxLagMs =
      routers.length === 0 ? DEFAULT_MAX_LAG_MS : Math.max(...routers.map((router) => router.maxLagMs))
    return maxLagMs + LATE_COMMIT_MS + (token === DOUBTFUL ? DOUBT_MS : 0)
  }

  /**
   * Takes over a token from `consistencyToken()` or `pendingConsistencyToken()` for the current scope. If it
   * contains no position, reads go to the primary until a position is known that was queried after this call;
   * after a write of unknown outcome, for 30 seconds.
   *
   * @param id - Id of the request that carried the token, and of no other. Among the scopes that take it over
   * with the same id, the first queries the position, and the others use it.
   * @throws InvalidArgumentError for any other string, and outside of scopes.
   */
  useConsistencyToken(token: string, id?: string): void {
    const scope = this.parts.scopes.current()
    if (scope === undefined) throw new InvalidArgumentError('token', 'to be used within a scope', token)
    if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH)
      throw new InvalidArgumentError(
        'token',
        'a result of `consistencyToken()` or `pendingConsistencyToken()`',
        token,
      )
    if (token === '') return
    if (token === PENDING || token === DOUBTFUL) {
      this.#requiredPositions.takeWrite(scope, token === DOUBTFUL ? 'unknown' : 'committed', id)
      return
    }
    const positions = new Map<number, Position>()
    let isPending = false
    for (const part of token.split(',')) {
      const [, place, of] = /^(\d{1,4}):(.+)$/.exec(part) ?? []
      const router = [...this.#routers].find((one) => String(one.place) === place)
      const position = of === undefined ? undefined : router?.positionFrom(of)
      if (of === undefined || (of !== PENDING && router !== undefined && position === undefined))
        throw new InvalidArgumentError(
          'token',
          'a result of `consistencyToken()` or `pendingConsistencyToken()`',
          token,
        )
      if (of === PENDING) isPending ||= router !== undefined
      else if (router !== undefined && position !== undefined) positions.set(router.place, position)
    }
    this.#requiredPositions.take(scope, positions)
    if (isPending) this.#requiredPositions.takeWrite(scope, 'committed', id)
  }

  /**
   * Runs a function. Its reads, and those of everything that it awaits, go to the primary.
   * @internal
   */
  async onPrimary<T>(fn: () => T | Promise<T>): Promise<T> {
    // An ORM's promises may be lazy: they must be awaited inside.
    return await this.parts.scopes.demand('primary', async () => await fn())
  }

  /**
   * Runs a function that loads a value to cache.
   * @internal
   */
  loading<T>(load: () => T): T {
    // Without replicas, an `AsyncLocalStorage` would come into use for nothing.
    return this.#routers.size === 0 ? load() : this.parts.scopes.demand('kept', load)
  }

  /** @internal */
  follow(writes: FollowedWrites): ReadYourWritesTracker {
    return new ReadYourWritesTracker(writes, this.#requiredPositions, () => this.parts.scopes.current())
  }

  /**
   * @returns `undefined` for a database whose positions cannot be compared.
   * @throws InvalidOptionError.
   * @internal
   */
  attach(client: RoutedClient): ReplicaRouter | undefined {
    const options = resolveReplicaOptions(client.options, client.replicas)
    const positions = positionsOf(client.dialect)
    if (positions === undefined) return undefined
    const { clock, random, sharesCached, warn, onError } = this.parts
    const { sourceId, primary, replicas, errors } = client
    const place = this.#places
    this.#places += 1
    const router: ReplicaRouter = new ReplicaRouter({
      sourceId,
      place,
      positions,
      primary,
      replicas,
      errors,
      options,
      sharesCached,
      clock,
      random,
      warn,
      onError,
      requiredPositions: this.#requiredPositions,
      onClose: () => void this.#routers.delete(router),
    })
    this.#routers.add(router)
    return router
  }

  /** @internal */
  close(): void {
    for (const router of [...this.#routers]) router.close()
    this.#stopWatching()
  }
}

/**
 * `undefined`: replicas of this database are not supported. Only the server itself shows whether it is MySQL
 * or MariaDB.
 */
function positionsOf(dialect: Dialect): Positions | undefined {
  if (dialect === 'sqlite') return undefined
  return dialect === 'postgresql' ? postgresqlPositions : mariadbPositions
}
