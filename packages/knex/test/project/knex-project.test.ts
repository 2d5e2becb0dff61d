import { indexName, planFixFiles } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { create, databaseFacts, index } from '../../../core/test/database/fixes/facts.ts'
import { knexNaming, knexProject } from '../../src/project/knex-project.ts'

const at = new Date('2026-01-02T03:04:05.678Z')

describe('knexProject', () => {
  it('refuses indexes that the database does not support, and writes the others', () => {
    const impossible = create('x', index('app.city', ['name'], { where: 'name IS NULL' }))
    const facts = databaseFacts('mysql')
    const project = knexProject({ language: 'esm', migrationsDir: 'db/migrations', extension: '.js' })
    const { files, refused } = planFixFiles(
      [impossible, create('y', index('app.city', ['name']))],
      project,
      facts,
      at,
    )
    expect(files.map(({ path }) => path)).toEqual(['db/migrations/20260102030405_add_y.js'])
    expect(refused).toMatchObject([{ change: { name: 'x' }, sql: [] }])
    expect(planFixFiles([impossible], project, facts, at).files).toEqual([])
  })

  it('numbers a migration after the existing ones', () => {
    const project = knexProject({
      language: 'ts',
      migrationsDir: 'migrations',
      migrations: ['20260102030500_later.ts'],
    })
    const { files } = planFixFiles(
      [create('y', index('main.city', ['name']))],
      project,
      databaseFacts('sqlite'),
      at,
    )
    expect(files.map(({ path }) => path)).toEqual(['migrations/20260102030501_add_y.ts'])
  })

  it('names indexes as Knex does', () => {
    const mixed = index('public.Order-Line', ['City', 'name'])
    expect(indexName(mixed, [], databaseFacts('postgresql'), knexNaming)).toBe('order_line_city_name_index')
    expect(indexName({ ...mixed, isUnique: true }, [], databaseFacts('postgresql'), knexNaming)).toBe(
      'order_line_city_name_unique',
    )
  })
})
