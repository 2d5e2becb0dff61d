import { CompiledQuery } from 'kysely'
import { describe, expect, it } from 'vitest'
import { CompiledQueries } from '../src/compiled-queries.ts'

const query = CompiledQuery.raw('select 1')

describe('CompiledQueries', () => {
  it('returns the query that was compiled right before, once', () => {
    const compiled = new CompiledQueries()
    compiled.compiled(CompiledQuery.raw('select 2'))
    compiled.compiled(query)
    expect(compiled.take()).toBe(query)
    expect(compiled.take()).toBeUndefined()
  })

  it('forgets a query that was not executed immediately', async () => {
    const compiled = new CompiledQueries()
    compiled.compiled(query)
    await undefined
    expect(compiled.take()).toBeUndefined()
  })
})
