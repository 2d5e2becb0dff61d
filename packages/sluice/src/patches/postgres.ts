import { guarded } from '../guarded.ts'
import { clients } from '../process-state.ts'
import { awaited, created, executed, type PostgresQuery, sent } from '../seams/postgres.ts'

/** Attaches to the queries of `postgres` as CommonJS. */
export function patchPostgres(exports: unknown): unknown {
  postgresQueryClass((exports as { readonly Query: unknown }).Query)
  return exports
}

/**
 * Attaches to the queries of `postgres`, by the class that they have in common, and returns the class. The
 * functions of the package cannot be replaced, and a query is often sent by an event of its connection.
 */
export function postgresQueryClass(Query: unknown): unknown {
  guarded('postgres', () => patchQueries((Query as { readonly prototype: PostgresQuery }).prototype))
  clients.areLoaded = true
  return Query
}

function patchQueries(prototype: PostgresQuery): void {
  const { handle, then } = prototype
  if (![handle, then].every((method) => typeof method === 'function'))
    throw new Error('This version of postgres has no Query.prototype.handle or then.')
  // The first ones after the constructor has set its arguments, and after the SQL was built to be sent.
  onFirstAssignment(prototype, 'options', created)
  onFirstAssignment(prototype, 'parameters', sent)
  prototype.handle = function (this: PostgresQuery, ...args) {
    if (!this.executed) guarded('postgres', () => executed(this))
    return handle.apply(this, args)
  }
  // biome-ignore lint/suspicious/noThenProperty: queries are promises.
  prototype.then = function (this: PostgresQuery, ...args) {
    const answer = guarded('postgres', () => awaited(this, then))
    return answer === undefined ? then.apply(this, args) : answer.then(...args)
  }
}

/** Calls a function when an object is first given a property, which is an ordinary one from then on. */
function onFirstAssignment(
  prototype: PostgresQuery,
  name: string,
  assigned: (query: PostgresQuery) => void,
): void {
  Object.defineProperty(prototype, name, {
    configurable: true,
    get: () => undefined,
    set(this: PostgresQuery, value: unknown) {
      Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true })
      guarded('postgres', () => assigned(this))
    },
  })
}
