import pg from 'pg'

/** Counts the statements that `pg` sends from now on. */
export function countPgStatements(): () => number {
  let statements = 0
  const { prototype } = pg.Connection as unknown as {
    prototype: Record<'parse' | 'query', (...args: unknown[]) => unknown>
  }
  for (const name of ['parse', 'query'] as const) {
    const send = prototype[name]
    prototype[name] = function (this: unknown, ...args) {
      statements += 1
      return send.apply(this, args)
    }
  }
  return () => statements
}
