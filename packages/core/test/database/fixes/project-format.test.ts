import { describe, expect, it } from 'vitest'
import { planFixFiles, sqlProject } from '../../../src/database/fixes/project-format.ts'
import type { CreateIndexChange } from '../../../src/database/fixes/schema-change.ts'
import { create, databaseFacts, drop, index } from './facts.ts'

const at = new Date('2026-01-02T03:04:05.678Z')
const postgresql = databaseFacts('postgresql')
const byRegion = create('city_region_id_idx', index('public.city', ['region_id']))

describe('planFixFiles', () => {
  it('writes SQL with its reasons and the statements to undo it', () => {
    const withReason: CreateIndexChange = { ...byRegion, reason: 'Asked 1,200 times;\nby GET /cities. */' }
    const { files } = planFixFiles(
      [withReason, drop('old', index('public.city', ['name']))],
      sqlProject(),
      postgresql,
      at,
    )
    expect(files.map(({ path }) => path)).toEqual(['sluice/fixes/001_city_region_id.sql'])
    expect(files[0]?.content.split('\n').slice(4)).toEqual([
      '',
      '-- Index on public.city(region_id)',
      '-- Asked 1,200 times, by GET /cities. * /',
      'CREATE INDEX CONCURRENTLY "city_region_id_idx" ON "city" ("region_id");',
      '',
      '-- Drops old, an index on public.city(name)',
      'DROP INDEX CONCURRENTLY IF EXISTS "old";',
      '',
      '-- To take it back:',
      '-- CREATE INDEX CONCURRENTLY "old" ON "city" ("name");',
      '-- DROP INDEX CONCURRENTLY IF EXISTS "city_region_id_idx";',
      '',
    ])
  })

  it('refuses indexes that the database does not support, and writes the others', () => {
    const impossible = create('x', index('app.city', ['name'], { where: 'name IS NULL' }))
    const facts = databaseFacts('mysql')
    const { files, refused } = planFixFiles(
      [impossible, create('y', index('app.city', ['name']))],
      sqlProject({ existing: ['001_a.sql'] }),
      facts,
      at,
    )
    expect(files.map(({ path }) => path)).toEqual(['sluice/fixes/002_y.sql'])
    expect(refused).toMatchObject([{ change: { name: 'x' }, sql: [] }])
    expect(planFixFiles([impossible], sqlProject(), facts, at).files).toEqual([])
  })
})
