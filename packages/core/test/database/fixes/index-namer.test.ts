import { describe, expect, it } from 'vitest'
import { indexNamer } from '../../../src/database/fixes/index-namer.ts'
import { databaseFacts, existingIndex, index, table } from './facts.ts'

const city = index('public.city', ['name'])
const facts = databaseFacts('postgresql', [table('public', 'city', { indexes: [existingIndex('public.city', 'city_name_idx', ['id'])] })])

describe('indexNamer', () => {
  it('gives no name that the database has, or that it gave', () => {
    const nameOf = indexNamer(facts, {}, ['city_name_3_idx'])
    expect([nameOf(city), nameOf(city)]).toEqual(['city_name_2_idx', 'city_name_4_idx'])
  })

  it('gives no name that is taken elsewhere', () => {
    expect(indexNamer(facts, { takenNames: () => ['city_name_2_idx'] })(city)).toBe('city_name_3_idx')
    expect(indexNamer(facts, { takenNames: ({ keys }) => (keys[0]?.column === 'id' ? ['city_name_2_idx'] : []) })(city)).toBe(
      'city_name_2_idx',
    )
  })

  it('names as the project does', () => {
    expect(indexNamer(facts, { naming: 'knex' })(city)).toBe('city_name_index')
  })
})
