import { describe, expect, it } from 'vitest'
import type { Advice } from '../../../src/database/advisor/advice.ts'
import { schemaFindings } from '../../../src/database/analysis/schema-findings.ts'
import { entry } from '../advisor/advisor-world.ts'
import { testSnapshot } from '../test-snapshot.ts'

const snapshot = {
  ...testSnapshot('postgresql', {
    author: 'id integer!, name text',
    book: 'id integer!, author_id integer, title text',
  }),
  foreignKeys: [
    {
      table: 'public.book',
      columns: ['author_id'],
      references: 'public.author',
      referencedColumns: ['id'],
      onDelete: 'NoAction' as const,
      onUpdate: 'NoAction' as const,
    },
  ],
}
const advice: Advice = {
  indexes: [],
  statements: [],
  rewrites: [],
  left: [],
  validation: 'scratch',
  gaps: [],
  planned: 0,
  tookMs: 0,
}

function foreignKey(sql: string) {
  return schemaFindings(snapshot, advice, [entry(sql)], () => 'book_author_id_idx').find(
    ({ code }) => code === 'MISSING_FOREIGN_KEY_INDEX',
  )
}

describe('schemaFindings', () => {
  it.each([
    'SELECT title FROM book WHERE author_id = $1',
    'SELECT title FROM book WHERE author_id IN ($1, $2) OR author_id = $3',
    'SELECT a.name, b.title FROM author a LEFT JOIN book b ON b.author_id = a.id WHERE a.id = $1',
    'SELECT name FROM author a WHERE NOT EXISTS (SELECT 1 FROM book b WHERE b.author_id = a.id)',
  ])('lists the statements that find rows by a foreign key without an index: %s', (sql) => {
    const found = foreignKey(sql)
    expect(found?.statements.map(({ calls }) => calls)).toEqual([100])
    expect(found?.details[1]).toBe(
      'One statement of the workload can use it, but would gain too little from it alone.',
    )
  })

  it.each([
    'SELECT author_id FROM book WHERE title = $1',
    'SELECT title FROM book WHERE author_id <> $1',
    'SELECT name FROM author WHERE id = $1',
  ])('states that no statement finds rows by it: %s', (sql) => {
    const found = foreignKey(sql)
    expect(found?.statements).toEqual([])
    expect(found?.details[1]).toBe('No statement of the workload uses it, so it is not validated.')
  })
})
