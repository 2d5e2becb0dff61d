import { chooseForReads, demanding } from '../../pipeline/read-demand.ts'
import type { RoutedClient } from '../../pipeline/read-routing.ts'
import type { ScopeStorage } from '../../pipeline/scope.ts'
import type { Clock } from '../../shared/clock.ts'
import { InvalidArgumentError } from '../../shared/errors.ts'
import type { RandomSource } from '../../shared/random.ts'
import { FloorWrites, type FollowedWrites } from './floor-writes.ts'
import type { Position } from './positions.ts'
import { positionsOf } from './positions-of.ts'
import { ReadFloors } from './read-floors.ts'
import { resolveReplicaOptions } from './replica-options.ts'
import { ReplicaRouter } from './replica-router.ts'
import type { ReplicaRoutingStats } from './replica-stats.ts'

/** A position that is not known: who takes it over reads from the primary. */
const UNKNOWN = '*'
const MAX_TEXT = 1_000

export interface ReplicaRoutersParts {
  readonly scopes: ScopeStorage
  readonly clock: Clock
  readonly random: RandomSource
  readonly sharesKept: boolean
  readonly warn: (message: string) => void
  readonly onError: (error: unknown) => void
}

/** Where the reads of a Sluice's clients go that have replicas. */
export class ReplicaRouters {
  readonly #floors: ReadFloors
  readonly #routers = new Set<ReplicaRouter>()
  #places = 0
  #stopWatching: (() => void) | undefined

  constructor(private readonly parts: ReplicaRoutersParts) {
    this.#floors = new ReadFloors(parts.clock)
  }

  /** Where the reads of each client with replicas went. */
  getStats(): readonly ReplicaRoutingStats[] {
    return [...this.#routers].map((router) => router.getStats())
  }

  /**
   * What reads after the current scope, or outside of any after the process, must not be older than: a short text, for a cookie or a header. The scope that
   * takes it over reads what this one wrote, in whichever process. Where there are several clients with replicas, they must be attached in one order everywhere.
   */
  async floor(): Promise<string> {
    const scope = this.parts.scopes.current()
    const floor = scope === undefined ? this.#floors.ofProcess() : this.#floors.of(scope)
    if (floor === undefined) return ''
    const routers = [...this.#routers]
    const texts = await Promise.all(routers.map(async (router) => `${router.place}:${(await router.textOf(floor)) ?? UNKNOWN}`))
    return texts.join(',')
  }

  /**
   * Takes over what `floor()` gave to another scope, for the current one.
   *
   * @throws InvalidArgumentError for another text, and outside of any scope.
   */
  takeFloor(text: string): void {
    const scope = this.parts.scopes.current()
    if (scope === undefined) throw new InvalidArgumentError('text', 'to be taken over in a scope', text)
    if (typeof text !== 'string' || text.length > MAX_TEXT) throw new InvalidArgumentError('text', 'what `floor()` gave', text)
    if (text === '') return
    const positions = new Map<number, Position | undefined>()
    for (const part of text.split(',')) {
      const [, place, of] = /^(\d{1,4}):(.+)$/.exec(part) ?? []
      const router = [...this.#routers].find((one) => String(one.place) === place)
      const position = of === undefined || of === UNKNOWN ? undefined : router?.positionFrom(of)
      if (of === undefined || (of !== UNKNOWN && router !== undefined && position === undefined))
        throw new InvalidArgumentError('text', 'what `floor()` gave', text)
      if (router !== undefined) positions.set(router.place, position)
    }
    this.#floors.take(scope, positions)
  }

  /** @internal */
  follow(writes: FollowedWrites): FloorWrites {
    return new FloorWrites(writes, this.#floors, () => this.parts.scopes.current())
  }

  /**
   * @returns `undefined` for a database whose positions cannot be compared.
   * @throws InvalidOptionError.
   * @internal
   */
  attach(client: RoutedClient): ReplicaRouter | undefined {
    const options = resolveReplicaOptions(client.options)
    const positions = positionsOf(client.dialect)
    if (positions === undefined) return undefined
    const { scopes, clock, random, sharesKept, warn, onError } = this.parts
    const { sourceId, primary, replicas } = client
    this.#stopWatching ??= scopes.watch((scope, outer) => {
      if (outer !== undefined) this.#floors.share(scope, outer)
    })
    const place = this.#places
    this.#places += 1
    const stopChoosing = chooseForReads()
    const router: ReplicaRouter = new ReplicaRouter({
      ...{ sourceId, place, positions, primary, replicas, options, sharesKept, clock, random, warn, onError },
      floors: this.#floors,
      onClose: () => {
        this.#routers.delete(router)
        stopChoosing()
      },
    })
    this.#routers.add(router)
    return router
  }

  /** @internal */
  close(): void {
    for (const router of [...this.#routers]) router.close()
    this.#stopWatching?.()
    this.#stopWatching = undefined
  }
}

/** Runs a function whose reads are asked of the primary, and what it awaits. */
export async function onPrimary<T>(fn: () => T | Promise<T>): Promise<T> {
  // Prisma's promises are lazy: they must be awaited inside.
  return await demanding('primary', async () => await fn())
}
