import { createHash } from '../../shared/late-modules.ts'
import { areEquivalent, functionIdentity } from './function-identity.ts'
import type { PoolDescription } from './pool.ts'

/** The first and the last oid of each range of types that every database has. */
const BUILT_IN = [
  16, 34, 114, 114, 142, 143, 194, 199, 269, 271, 325, 325, 600, 604, 628, 629, 650, 651, 700, 701, 705, 705,
  718, 719, 774, 775, 790, 791, 829, 829, 869, 869, 1000, 1022, 1027, 1028, 1033, 1034, 1040, 1043, 1082,
  1083, 1114, 1115, 1182, 1187, 1231, 1231, 1263, 1263, 1266, 1266, 1270, 1270, 1560, 1563, 1700, 1700, 1790,
  1790, 2201, 2211, 2249, 2249, 2275, 2287, 2776, 2776, 2949, 2951, 2970, 2970, 3115, 3115, 3220, 3221, 3310,
  3310, 3361, 3361, 3402, 3402, 3500, 3500, 3614, 3615, 3642, 3645, 3734, 3735, 3769, 3770, 3802, 3807, 3831,
  3838, 3904, 3913, 3926, 3927, 4072, 4073, 4089, 4097, 4191, 4192, 4451, 4451, 4532, 4538, 4600, 4601, 5017,
  5080, 6150, 6157,
]

/** Types whose values are common. They are compared before a result contains them. */
const COMMON = [
  16, 17, 20, 21, 23, 25, 26, 114, 142, 600, 601, 603, 700, 701, 718, 790, 869, 1033, 1042, 1043, 1082, 1083,
  1114, 1184, 1186, 1266, 1560, 1562, 1700, 2950, 3802, 199, 1000, 1001, 1005, 1007, 1014, 1015, 1016, 1021,
  1022, 1028, 1115, 1182, 1183, 1185, 1187, 1231, 2951, 3807,
]

/** Maximum number of different type parsers of queries. */
const MAX_QUERY_TYPES = 20

interface TypeParsers {
  /** Whether values arrive in binary form. Only clients have it. */
  readonly binary?: unknown
  getTypeParser(oid: number, format: string): unknown
}

/** The parsers of a client of `pg`: those of the driver or of an option, with replacements for the client. */
interface Overrides extends TypeParsers {
  readonly _types: TypeParsers
  readonly text: object
  readonly binary: object
}

/** The parsers of an object as they were used for the results so far. */
class Watched {
  readonly #parsers: unknown[] = []

  constructor(
    readonly types: TypeParsers,
    readonly format: string,
  ) {}

  /** Whether the parsers of an object convert values like these. Stores those of types that are new. */
  matches(types: TypeParsers, oids: readonly number[]): boolean {
    const used = isPlain(types) ? types._types : types
    for (let at = 0; at < oids.length; at++) {
      const parser = used.getTypeParser(oids[at] as number, this.format)
      const known = this.#parsers[at]
      if (known === undefined) this.#parsers[at] = parser
      else if (known !== parser && !areEquivalent(known, parser)) return false
    }
    return true
  }

  /** Sets the parser that was used for a new type. */
  used(at: number, parser: unknown): void {
    this.#parsers[at] ??= parser
  }
}

/** A hash of the type parsers of the clients and of the queries sent so far. */
interface HashedParsers {
  readonly ownTypes: readonly number[]
  readonly version: number
  readonly queryTypes: number
  readonly hash: string | undefined
  /** The parsers of the clients, by type. */
  readonly parsers: ReadonlyMap<number, unknown>
}

/**
 * Identifies how results are parsed: by the clients of a pool, and by queries with their own parsers. Apps
 * can replace parsers at any time, so they are compared with each read.
 */
export class PgTypeParsers {
  /** Type parsers of queries, by their name. */
  readonly #ofQueries = new Map<string, Watched>()
  /** Types of the result columns so far, and with a shared name, those of the database. */
  readonly #oids: number[] = []
  readonly #known = new Set<number>()
  #clients: Watched | undefined
  #version = 0
  #hasCommon = false
  #hashed: HashedParsers | undefined

  /**
   * @param clientsOf - Returns the clients whose parsers may convert the next result. If there is none, they
   *   are those of the clients before.
   */
  constructor(
    private readonly nameOf: PoolDescription['parsersOf'],
    private readonly clientsOf: () => Iterable<unknown>,
  ) {}

  /**
   * Identifies the type parsers of a query in this process, at this moment.
   *
   * @returns `undefined` if they cannot be compared with those of other queries.
   */
  ofQuery(types: unknown): string | undefined {
    const version = this.#current()
    if (version === undefined) return undefined
    if (typeof types !== 'object' || types === null) return version === 0 ? '' : `v${version}`
    const name = this.nameOf?.(types)
    if (name === undefined || !parsesTypes(types)) return undefined
    const known = this.#ofQueries.get(name)
    if (known === undefined) {
      this.watchCommon()
      if (this.#ofQueries.size >= MAX_QUERY_TYPES) return undefined
      this.#watch(name, types)
    } else if (!known.matches(types, this.#oids)) {
      // Functions with the same source may refer to different variables.
      if (known.matches(known.types, this.#oids)) return undefined
      // An object may create a parser for each call, which cannot be compared with itself.
      if (!this.#watched(known.types).matches(known.types, this.#oids)) return undefined
      this.#version += 1
      this.#watch(name, types)
    }
    return this.#version === 0 ? name : `v${this.#version} ${name}`
  }

  /**
   * @param fields - The columns of a result.
   * @param parsers - The parsers that converted them. Default: those of now.
   */
  add(fields: readonly unknown[], parsers: readonly unknown[] = []): void {
    for (const [at, field] of fields.entries()) {
      const { dataTypeID, format } = field as { readonly dataTypeID: number; readonly format?: unknown }
      if (!this.#add(dataTypeID) || format !== this.#clients?.format) continue
      // The name that processes share is that of the parsers at the time of the hash.
      this.#clients?.used(this.#oids.length - 1, this.#hashed?.parsers.get(dataTypeID) ?? parsers[at])
    }
    for (const watched of this.#ofQueries.values()) watched.matches(watched.types, this.#oids)
  }

  /**
   * Identifies the type parsers of the clients and of all queries in every process, because processes may
   * parse the same types differently.
   *
   * @returns `undefined` if they cannot be compared with those of other processes.
   */
  ofClients(ownTypes: readonly number[]): string | undefined {
    this.watchCommon()
    if (this.#hashed?.ownTypes !== ownTypes) for (const oid of ownTypes) this.#add(oid)
    const version = this.#current()
    if (version === undefined) return undefined
    const queryTypes = this.#ofQueries.size
    const known = this.#hashed
    if (known?.ownTypes === ownTypes && known.version === version && known.queryTypes === queryTypes)
      return known.hash
    const used = this.#clients
    if (used === undefined) return undefined
    const parsers = new Map<number, unknown>()
    for (const oid of [...builtInTypes(), ...ownTypes])
      parsers.set(oid, used.types.getTypeParser(oid, used.format))
    this.#hashed = { ownTypes, version, queryTypes, hash: this.#hash(used.format, parsers), parsers }
    return this.#hashed.hash
  }

  /** The number of changes so far; `undefined` if clients convert values differently from each other. */
  #current(): number | undefined {
    let first: TypeParsers | undefined
    for (const client of this.clientsOf()) {
      if (!parsesTypes(client)) continue
      const types = typesOf(client)
      const format = client.binary ? 'binary' : 'text'
      if (first === undefined) {
        first = types
        if (this.#clients?.format !== format || !this.#clients.matches(types, this.#oids))
          this.#use(types, format)
      } else if (
        this.#clients?.format !== format ||
        (!areShared(first, types) && !this.#clients.matches(types, this.#oids))
      )
        return undefined
    }
    const last = this.#clients
    if (first === undefined && last?.matches(last.types, this.#oids) === false)
      this.#use(last.types, last.format)
    return this.#version
  }

  #use(types: TypeParsers, format: string): void {
    if (this.#clients !== undefined) this.#version += 1
    this.#clients = new Watched(types, format)
    this.#clients.matches(types, this.#oids)
  }

  #watch(name: string, types: TypeParsers): void {
    this.#ofQueries.set(name, this.#watched(types))
  }

  #watched(types: TypeParsers): Watched {
    const watched = new Watched(types, 'text')
    watched.matches(types, this.#oids)
    return watched
  }

  /**
   * Compares common types before a result contains them: processes, and queries with their own parsers, can
   * receive values of types that are not known here yet.
   */
  watchCommon(): void {
    if (this.#hasCommon) return
    this.#hasCommon = true
    for (const oid of COMMON) this.#add(oid)
  }

  #add(oid: number): boolean {
    if (this.#known.has(oid)) return false
    this.#known.add(oid)
    this.#oids.push(oid)
    return true
  }

  #hash(format: string, parsers: ReadonlyMap<number, unknown>): string | undefined {
    const hash = createHash('sha256').update(format)
    const all = [...parsers.values()]
    for (const { types } of this.#ofQueries.values())
      for (const oid of parsers.keys()) all.push(types.getTypeParser(oid, 'text'))
    for (const parser of all) {
      const identity = functionIdentity(parser)
      if (identity === undefined) return undefined
      hash.update(`,${identity}`)
    }
    return hash.digest('base64url')
  }
}

function* builtInTypes(): Iterable<number> {
  for (let at = 0; at < BUILT_IN.length; at += 2) {
    for (let oid = BUILT_IN[at] as number; oid <= (BUILT_IN[at + 1] as number); oid++) yield oid
  }
}

/** Unlike the client, its parsers remain after it is closed, and do not keep its connection alive. */
function typesOf(client: TypeParsers): TypeParsers {
  const { _types: types } = client as { readonly _types?: unknown }
  return parsesTypes(types) ? types : client
}

/** Whether two clients have the same parsers, and neither replaces one. */
function areShared(one: TypeParsers, other: TypeParsers): boolean {
  return isPlain(one) && isPlain(other) && one._types === other._types
}

function isPlain(types: TypeParsers): types is Overrides {
  const { text, binary, _types: used } = types as Partial<Overrides>
  return used !== undefined && isEmpty(text) && isEmpty(binary)
}

function isEmpty(parsers: unknown): boolean {
  if (typeof parsers !== 'object' || parsers === null) return false
  for (const _ in parsers) return false
  return true
}

function parsesTypes(types: unknown): types is TypeParsers {
  return typeof (types as Partial<TypeParsers> | null | undefined)?.getTypeParser === 'function'
}
