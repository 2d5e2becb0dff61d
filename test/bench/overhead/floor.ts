import { AsyncLocalStorage } from 'node:async_hooks'
import { type Program, type ProgramName, QUERIES } from './programs.ts'

interface Slot {
  count: number
  totalMs: number
}

const scopes = new AsyncLocalStorage<Map<string, Slot>>()

/**
 * Adds the least that an observer needs: a context for each request, and for each query a lookup of the
 * context, two reads of the clock, a lookup by the SQL statement, and two counters.
 */
export function withFloor(program: Program, name: ProgramName): Program {
  const statements = Array.from(
    { length: QUERIES[name] },
    (_, at) => `select * from authors where id = ${at}`,
  )
  return () =>
    scopes.run(new Map(), async () => {
      const startedAt = statements.map(() => performance.now())
      await program()
      const slots = scopes.getStore()
      statements.forEach((statement, at) => {
        const slot = slots?.get(statement) ?? { count: 0, totalMs: 0 }
        slot.count += 1
        slot.totalMs += performance.now() - (startedAt[at] ?? 0)
        slots?.set(statement, slot)
      })
    })
}
