import { EventEmitter } from 'node:events'
import { PgWire } from './pg-wire.ts'

/** A column of a result, as `pg` describes it. */
interface Column {
  readonly dataTypeID: number
  readonly format: string
}

/** A column type, with the parser that converted its first value. */
export interface ConvertedType extends Column {
  readonly parser: unknown
}

interface Types {
  getTypeParser(oid: number, format: string): unknown
}

/** How a client of `pg` converts values: its parsers, and the types of its results so far. */
export class PgClientTypes {
  readonly converted: ConvertedType[] = []
  readonly #known = new Set<number>()
  isEnded = false

  constructor(
    /** Those of the driver or of an option, with replacements for the client. `pg` has the name, too. */
    readonly _types: Types,
    readonly binary: boolean,
    readonly wire: PgWire,
  ) {}

  getTypeParser(oid: number, format: string): unknown {
    return this._types.getTypeParser(oid, format)
  }

  add(columns: readonly Column[]): void {
    for (const { dataTypeID, format } of columns) {
      if (this.#known.has(dataTypeID)) continue
      this.#known.add(dataTypeID)
      this.converted.push({ dataTypeID, format, parser: this.getTypeParser(dataTypeID, format) })
    }
  }
}

/** One listener for each connection, however many instances of Kysely use its pool. */
const clients = new WeakMap<object, PgClientTypes>()

/**
 * A query that a client of `pg` passes its type parsers and its connection, and that it does not send: it
 * fails when it is submitted.
 */
export class PgTypesProbe extends EventEmitter {
  /** A pool that Sluice instruments as well reads it. */
  readonly text = 'SELECT 1'
  /** For `pg-native`: it is not being executed. */
  readonly state = 'end'
  readonly _result: { readonly _types?: unknown } = {}
  readonly binary?: unknown
  /** Ends the client's time limit. */
  readonly callback?: () => void
  /** `undefined` for another driver. */
  client: PgClientTypes | undefined

  submit(connection: unknown): Error {
    this.callback?.()
    const { _types: types } = this._result
    if (isTypes(types) && connection instanceof EventEmitter) this.client = this.#clientOf(connection, types)
    return new Error('This query reads the type parsers of its client, and is not sent.')
  }

  handleError(): void {
    this.callback?.()
    this.emit('end')
  }

  override toString(): string {
    return this.text
  }

  #clientOf(connection: EventEmitter, types: Types): PgClientTypes {
    const known = clients.get(connection)
    if (known !== undefined) return known
    const client = new PgClientTypes(types, this.binary === true, new PgWire(connection))
    clients.set(connection, client)
    connection.on('rowDescription', ({ fields }: { readonly fields: readonly Column[] }) =>
      client.add(fields),
    )
    connection.once('end', () => {
      client.isEnded = true
    })
    return client
  }
}

function isTypes(types: unknown): types is Types {
  return typeof (types as Partial<Types> | null | undefined)?.getTypeParser === 'function'
}
