import type { Knex } from 'knex'

/** The maximum number of values in one select of Knex. */
export interface WidestSelect {
  /** Since the last call. */
  taken(): number
}

export function watchWidest(db: Knex): WidestSelect {
  let widest = 0
  db.on('query', ({ sql, bindings }: { readonly sql: string; readonly bindings?: readonly unknown[] }) => {
    if (/^\(?select/i.test(sql)) widest = Math.max(widest, bindings?.length ?? 0)
  })
  return {
    taken() {
      const taken = widest
      widest = 0
      return taken
    },
  }
}
