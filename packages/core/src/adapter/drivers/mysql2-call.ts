export type Callback = (...results: unknown[]) => unknown

/** A pool, a connection or a prepared statement of `mysql2`. */
export type Mysql2Object = Record<PropertyKey, unknown>

/** A call of `query` or `execute`. */
export interface Mysql2Call {
  readonly method: 'query' | 'execute'
  readonly sql: string
  /** `undefined`: they are not a list. */
  readonly params: readonly unknown[] | undefined
  /** The arguments without the callback. */
  readonly args: readonly unknown[]
  /** The options besides the SQL and its values. */
  readonly options: Readonly<Record<string, unknown>>
  readonly callback: Callback | undefined
  /** Sends it. Default: calls the method. */
  readonly send?: (() => Promise<Mysql2Answer>) | undefined
}

/** The first two results of a call: rows, or the header of a write, and the columns. */
export type Mysql2Answer = readonly [rows: unknown, fields: unknown]

/**
 * Reads the arguments of `query` or `execute`, in any of the forms that `mysql2` accepts.
 *
 * @returns `undefined` for arguments that `mysql2` rejects.
 */
export function readMysql2Call(
  method: Mysql2Call['method'],
  args: readonly unknown[],
): Mysql2Call | undefined {
  const [first] = args
  const request = (typeof first === 'string' ? { sql: first } : (first ?? {})) as Mysql2Object
  const { sql, values, ...options } = request
  if (typeof sql !== 'string') return undefined
  const [own, callback] = withoutCallback(args)
  const [, second] = own
  const used = method === 'query' ? (second === undefined ? values : second) : values || second
  const params = used === undefined ? [] : Array.isArray(used) ? used : isScalar(used) ? [used] : undefined
  return { method, sql, params, args: own, options, callback }
}

/** A single value needs no list. */
function isScalar(value: unknown): boolean {
  return ['bigint', 'boolean', 'number', 'string'].includes(typeof value)
}

/** Splits arguments at the callback. */
export function withoutCallback(
  args: readonly unknown[],
): readonly [args: readonly unknown[], callback: Callback | undefined] {
  const at = args.findIndex((arg) => typeof arg === 'function')
  return at < 0 ? [args, undefined] : [args.slice(0, at), args[at] as Callback]
}

/** Whether the methods of an object return promises, or take callbacks. */
export type Mysql2Form = 'promises' | 'callbacks'

/** Calls a method of the driver, and returns its results as a promise. */
export function send(
  target: Mysql2Object,
  form: Mysql2Form,
  name: string,
  args: readonly unknown[],
): Promise<unknown> {
  const method = target[name] as Callback
  if (form === 'promises') return method.apply(target, [...args]) as Promise<unknown>
  return new Promise((resolve, reject) => {
    method.call(target, ...args, (error: unknown, ...results: unknown[]) => {
      if (error) reject(error)
      else resolve(results)
    })
  })
}
