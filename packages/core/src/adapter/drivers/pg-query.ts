import { type ReadForm, readForm } from '../read-form.ts'

/** A query in the form that `pg` accepts. */
export interface QueryConfig {
  readonly text: string
  readonly values?: readonly unknown[]
  readonly name?: string
  readonly rowMode?: string
  readonly types?: unknown
}

/** A query of the app, and how Sluice reads it. */
export interface PgQuery extends ReadForm {
  readonly config: QueryConfig
}

/** @param writesLiterals - Whether its ORM writes values into the text. */
export function pgQuery(config: QueryConfig, writesLiterals: boolean): PgQuery {
  const { text, values = [] } = config
  return { config, ...readForm('postgresql', text, values, writesLiterals) }
}

/** Options of a read that goes through Sluice. Any other can change its result, or how it is sent. */
const READ_OPTIONS: ReadonlySet<string> = new Set(['text', 'values', 'name', 'rowMode', 'types'])

export function isPlain(config: QueryConfig): boolean {
  return Object.keys(config).every((name) => READ_OPTIONS.has(name))
}

type Callback = (...args: unknown[]) => unknown

/** A cursor or a stream. */
export interface Submittable {
  submit(connection: unknown): void
  readonly text?: string
  readonly cursor?: { readonly text?: string }
  once?(event: string, listener: Callback): unknown
}

export function isSubmittable(query: unknown): query is Submittable {
  return typeof (query as Partial<Submittable> | null | undefined)?.submit === 'function'
}

/** Calls a callback like `pg`, which then returns `undefined`. */
export function answerCallback<T>(
  answered: Promise<T>,
  callback: Callback,
  resultsOf: (answer: T) => unknown[],
): undefined {
  answered.then(
    (answer) => process.nextTick(callback, undefined, ...resultsOf(answer)),
    (error: unknown) => process.nextTick(callback, error),
  )
}
