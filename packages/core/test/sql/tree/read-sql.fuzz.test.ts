import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../../src/sql/dialect.ts'
import { SqlSyntaxError } from '../../../src/sql/syntax-error.ts'
import { readQueryTree } from '../../../src/sql/tree/read-sql.ts'
import { fuzzText } from './fuzz-texts.ts'

const TEXTS = Number(process.env.FUZZ_TEXTS ?? 2_000)
const dialects: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']

describe('readQueryTree', () => {
  it.each(dialects)('fails quickly and only with SqlSyntaxError for broken statements of %s', (dialect) => {
    let read = 0
    let slowest = 0
    const began = performance.now()
    for (let seed = 0; seed < TEXTS; seed++) {
      const sql = fuzzText(seed)
      const start = performance.now()
      try {
        readQueryTree(sql, dialect)
        read++
      } catch (error) {
        if (!(error instanceof SqlSyntaxError)) throw new Error(`Seed ${seed}: ${sql}`, { cause: error })
      }
      slowest = Math.max(slowest, performance.now() - start)
    }
    if (TEXTS > 2_000)
      console.log({ dialect, TEXTS, read, slowest, each: ((performance.now() - began) / TEXTS) * 1_000 })
    expect(slowest).toBeLessThan(500)
    expect(read).toBeGreaterThan(TEXTS / 100)
  })
})
