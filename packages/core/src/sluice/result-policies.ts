import { type Copier, copiers, type FetchPolicy } from '../cache/fetch-request.ts'
import type { ResultPolicy } from '../cache/result-cache.ts'
import { appTag } from '../cache/tiered-cache.ts'
import { plainPolicy } from '../cache/tiered-options.ts'
import type { CacheControl } from '../pipeline/cache-control.ts'
import type { CacheRequest } from '../pipeline/operation.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import { NamedTables } from '../schema/named-tables.ts'
import type { SluiceWarningCode } from '../shared/warning-codes.ts'
import type { CacheOptions } from './options.ts'
import { Secrets } from './secrets.ts'

const DEFAULT_TTL = 1
const DEFAULT_SHARED_TTL = 60
const NO_TAGS: readonly string[] = []

/** Default time to live of results, in seconds. */
export function resultTtl(cache: Pick<CacheOptions, 'ttl' | 'store'> | false = {}): number {
  const { ttl, store } = cache === false ? {} : cache
  return ttl ?? (store === undefined ? DEFAULT_TTL : DEFAULT_SHARED_TTL)
}

/** How each query's result is cached, by the options of the Sluice. */
export class ResultPolicies {
  readonly #base: FetchPolicy
  readonly #tables: NamedTables
  readonly #secrets: Secrets
  readonly #byPlan = new WeakMap<object, ResultPolicy | string>()

  constructor(
    private readonly options: CacheOptions,
    catalogs: CatalogRegistry,
    warn: (message: string, code: SluiceWarningCode) => void,
  ) {
    const { swr, consistency, exclude = [] } = options
    const base = plainPolicy(resultTtl(options), consistency ?? 'bounded')
    this.#base = { ...base, swrMs: (swr ?? 0) * 1_000 }
    this.#tables = new NamedTables(catalogs)
    this.#secrets = new Secrets(exclude, this.#tables, (name) => {
      if (!catalogs.isReading())
        warn(
          `Results are not shared: cache.exclude contains "${name}", which is not in any known catalog. Expected the name of a model, a table or a field. Correct the name, or remove it.`,
          'SLUICE_RESULTS_NOT_SHARED',
        )
    })
  }

  /** Whether each read is validated in the shared store by default. */
  get isStrict(): boolean {
    return this.#base.consistency === 'strict'
  }

  /** Whether all reads without separate options are cached alike, as far as they are cached. */
  get isUniform(): boolean {
    return this.options.models === undefined
  }

  readonly of = (request: CacheRequest<unknown>): ResultPolicy | string => {
    const { plan, control } = request
    if (plan === undefined || control !== undefined) return this.#decide(request)
    let decided = this.#byPlan.get(plan)
    if (decided === undefined) {
      decided = this.#decide(request)
      this.#byPlan.set(plan, decided)
    }
    return decided
  }

  #decide(request: CacheRequest<unknown>): ResultPolicy | string {
    const { tables } = this.options
    const controls = this.#controlsOf(request)
    if (controls.some((control) => control.disabled === true)) return 'DISABLED'
    if (tables !== undefined && !request.tables.every((table) => this.#tables.has(tables, table)))
      return 'TABLE_NOT_LISTED'
    return {
      policy: controls.length === 0 ? this.#base : controls.reduce(controlled, this.#base),
      setsTtl: controls.some(({ ttl }) => ttl !== undefined),
      tags:
        controls.length === 0
          ? NO_TAGS
          : [...new Set(controls.flatMap((control) => (control.tags ?? NO_TAGS).map(appTag)))],
      ...this.#secrets.of(request),
    }
  }

  /** The most cautious of the options of the tables, then the options of the read itself. */
  #controlsOf({ tables, control }: CacheRequest<unknown>): readonly CacheControl[] {
    const { models } = this.options
    if (models === undefined) return control === undefined ? NO_CONTROLS : [control]
    const ofTables = Object.entries(models)
      .filter(([name]) => tables.some((table) => this.#tables.of(name).has(table)))
      .map(([, options]) => options)
    const cautious = ofTables.length === 0 ? NO_CONTROLS : [ofTables.reduce(moreCautious)]
    return control === undefined ? cautious : [...withoutDisabled(cautious, control), control]
  }

  /** How every result is cached and returned; `undefined`: its request decides. */
  get copier(): Copier<unknown> | undefined {
    const { copy = 'clone' } = this.options
    return copy === 'clone' ? undefined : copiers[copy]
  }
}

const NO_CONTROLS: readonly CacheControl[] = []

/** A read may be cached although its model is not. */
function withoutDisabled(
  controls: readonly CacheControl[],
  { disabled }: CacheControl,
): readonly CacheControl[] {
  return disabled === false ? controls.map((control) => ({ ...control, disabled })) : controls
}

/** The options for a result of two models. */
function moreCautious(left: CacheControl, right: CacheControl): CacheControl {
  const least = (one: number | undefined, other: number | undefined) => {
    if (one === undefined || other === undefined) return one ?? other
    return Math.min(one, other)
  }
  const [ttl, swr] = [least(left.ttl, right.ttl), least(left.swr, right.swr)]
  return {
    ...(ttl === undefined ? {} : { ttl }),
    ...(swr === undefined ? {} : { swr }),
    tags: [...(left.tags ?? NO_TAGS), ...(right.tags ?? NO_TAGS)],
    strategy: left.strategy === 'refresh' || right.strategy === 'refresh' ? 'refresh' : 'cache-first',
    ...(left.consistency === 'strict' || right.consistency === 'strict' ? { consistency: 'strict' } : {}),
    disabled: left.disabled === true || right.disabled === true,
  }
}

function controlled(policy: FetchPolicy, { ttl, swr, strategy, consistency }: CacheControl): FetchPolicy {
  return {
    ...policy,
    ...(ttl === undefined ? {} : { ttlMs: ttl * 1_000, negativeTtlMs: ttl * 1_000 }),
    ...(swr === undefined ? {} : { swrMs: swr * 1_000 }),
    ...(strategy === undefined ? {} : { strategy }),
    ...(consistency === undefined ? {} : { consistency }),
  }
}
