import type { CacheRequest } from '../pipeline/operation.ts'
import type { NamedTables } from '../schema/named-tables.ts'

/** Whether other processes may have a read's result. */
export interface Sharing {
  readonly isShared: boolean
  /** The same, of one value. */
  mayShare?(value: unknown): boolean
}

interface Field {
  readonly table: string
  /** As `plain` writes it. */
  readonly name: string
}

const FREE: Sharing = { isShared: true }
const SECRET: Sharing = { isShared: false }
/** Any table. */
const ANY = '*'

/**
 * Excludes results from the shared store according to `cache.exclude`: those of models and tables, and those
 * that contain certain fields. A name that is not in any catalog can refer to anything: then no result is
 * shared.
 */
export class Secrets {
  constructor(
    private readonly names: readonly string[],
    private readonly tables: NamedTables,
    /** Called with each read for a name that is not in any catalog. */
    private readonly onUnknown: (name: string) => void,
  ) {}

  of(request: CacheRequest<unknown>): Sharing {
    if (this.names.length === 0) return FREE
    const fields: string[] = []
    let isSecret = false
    for (const name of this.names) {
      const field = this.#fieldOf(name)
      const table = field?.table ?? name
      if (table !== ANY && this.tables.of(table).size === 0) {
        this.onUnknown(name)
        isSecret = true
      } else if (table === ANY || request.tables.some((read) => this.tables.of(table).has(read))) {
        if (field === undefined) isSecret = true
        else fields.push(field.name)
      }
    }
    if (isSecret || fields.some((field) => isNamed(field, request.statement))) return SECRET
    if (fields.length === 0) return FREE
    const secret = new Set(fields)
    return { isShared: true, mayShare: (value) => !holdsField(value, secret) }
  }

  /** `undefined` for a model or table, such as `public.sessions`. */
  #fieldOf(name: string): Field | undefined {
    const dot = name.lastIndexOf('.')
    if (dot < 0 || this.tables.of(name).size > 0) return undefined
    return { table: name.slice(0, dot), name: plain(name.slice(dot + 1)) }
  }
}

/** The common form of a field and its column: `passwordHash`, `password_hash`. */
function plain(name: string): string {
  return name.replaceAll('_', '').toLowerCase()
}

/** A statement that names a column may give it another name, or its value without one. */
function isNamed(field: string, statement: string | undefined): boolean {
  return statement !== undefined && plain(statement).includes(field)
}

/** Whether a value has one of these names as a key, at any depth. */
function holdsField(value: unknown, fields: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if (Array.isArray(value)) return value.some((item) => holdsField(item, fields))
  return Object.entries(value).some(([name, part]) => fields.has(plain(name)) || holdsField(part, fields))
}
