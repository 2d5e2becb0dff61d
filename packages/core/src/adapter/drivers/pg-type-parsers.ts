import { createHash } from '../../shared/late-modules.ts'
import type { PoolDescription } from './pool-description.ts'
import { isSelfContained } from './self-contained.ts'

/** Types whose values `pg` or an app may parse: those of every database, and arrays of them. */
const TYPES = [
  ...[
    16, 17, 20, 21, 23, 25, 26, 114, 142, 600, 601, 603, 700, 701, 718, 790, 869, 1033, 1042, 1043, 1082,
    1083, 1114, 1184, 1186, 1266,
  ],
  ...[
    1560, 1562, 1700, 2950, 3802, 199, 1000, 1001, 1005, 1007, 1014, 1015, 1016, 1021, 1022, 1028, 1115, 1182,
    1183, 1185, 1187, 1231,
  ],
  ...[2951, 3807],
]

/** Maximum number of different type parsers of queries. */
const MAX_QUERY_TYPES = 20

/** `json` and `jsonb`, whose usual parser is a bound function. */
const JSON_TYPES: ReadonlySet<number> = new Set([114, 3802])

/** The source of a bound function: it contains no information. */
const NAMELESS = /^function \(\) \{\s*\[native code\]\s*\}$/

interface TypeParsers {
  /** Whether values arrive in binary form. Only clients have it. */
  readonly binary?: unknown
  getTypeParser(oid: number, format: string): unknown
}

/** A hash of the type parsers of a client and of the queries sent so far. */
interface HashedParsers {
  readonly ownTypes: readonly number[]
  readonly queryTypes: number
  readonly hash: string | undefined
}

/** Identifies how results are parsed: by the clients of a pool, and by queries with their own parsers. */
export class PgTypeParsers {
  readonly #ofClients = new WeakMap<object, HashedParsers>()
  /** Type parsers of queries, by their name. */
  readonly #ofQueries = new Map<string, TypeParsers>()
  /** Types of the result columns so far, and those that users created. */
  readonly #oids = new Set(TYPES)

  constructor(private readonly nameOf: PoolDescription['parsersOf']) {}

  /**
   * Identifies the type parsers of a query in this process.
   *
   * @returns `undefined` if they cannot be compared with those of other queries.
   */
  ofQuery(types: unknown): string | undefined {
    if (typeof types !== 'object' || types === null) return ''
    const name = this.nameOf?.(types)
    if (name === undefined || !parsesTypes(types)) return undefined
    const known = this.#ofQueries.get(name)
    // Functions with the same source may refer to different variables.
    if (known !== undefined) return this.#areAlike(known, types) ? name : undefined
    if (this.#ofQueries.size >= MAX_QUERY_TYPES) return undefined
    this.#ofQueries.set(name, types)
    return name
  }

  /** @param fields - The columns of a result. */
  add(fields: readonly unknown[]): void {
    for (const field of fields) this.#oids.add((field as { readonly dataTypeID: number }).dataTypeID)
  }

  /**
   * Identifies the type parsers of a client and of all queries, because processes may parse the same types
   * differently.
   *
   * @returns `undefined` if they cannot be compared with those of other processes.
   */
  ofClient(client: object | undefined, ownTypes: readonly number[]): string | undefined {
    if (!parsesTypes(client)) return undefined
    const queryTypes = this.#ofQueries.size
    let known = this.#ofClients.get(client)
    if (known?.ownTypes !== ownTypes || known.queryTypes !== queryTypes) {
      for (const oid of ownTypes) this.#oids.add(oid)
      known = { ownTypes, queryTypes, hash: this.#hash(client, ownTypes) }
      this.#ofClients.set(client, known)
    }
    return known.hash
  }

  #hash(client: TypeParsers, ownTypes: readonly number[]): string | undefined {
    const format = client.binary ? 'binary' : 'text'
    const hash = createHash('sha256').update(format)
    for (const types of [client, ...this.#ofQueries.values()]) {
      for (const oid of [...TYPES, ...ownTypes]) {
        const source = String(types.getTypeParser(oid, format))
        if (NAMELESS.test(source) && !JSON_TYPES.has(oid)) return undefined
        hash.update(`,${source}`)
      }
    }
    return hash.digest('base64url')
  }

  #areAlike(one: TypeParsers, other: TypeParsers): boolean {
    if (one === other) return true
    for (const oid of this.#oids) {
      const [parser, second] = [one.getTypeParser(oid, 'text'), other.getTypeParser(oid, 'text')]
      if (parser === second) continue
      const source = String(parser)
      if (source !== String(second) || !isSelfContained(source)) return false
    }
    return true
  }
}

function parsesTypes(types: object | undefined): types is TypeParsers {
  return typeof (types as Partial<TypeParsers> | undefined)?.getTypeParser === 'function'
}
