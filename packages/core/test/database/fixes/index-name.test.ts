import { describe, expect, it } from 'vitest'
import { type IndexNaming, indexName, indexNamer } from '../../../src/database/fixes/index-name.ts'
import { databaseFacts, existingIndex, index, table } from './facts.ts'

describe('indexName', () => {
  const postgresql = databaseFacts('postgresql')

  it('follows the naming of the project', () => {
    const naming: IndexNaming = {
      suffix: '_i',
      uniqueSuffix: '_u',
      stem: (name, columns) => `${columns.join('_')}_of_${name}`,
    }
    const mixed = index('public.Order-Line', ['City', 'name'])
    expect(indexName(mixed, [], postgresql)).toBe('Order-Line_City_name_idx')
    expect(indexName(mixed, [], postgresql, naming)).toBe('City_name_of_Order-Line_i')
    expect(indexName({ ...mixed, isUnique: true }, [], postgresql)).toBe('Order-Line_City_name_key')
    expect(indexName({ ...mixed, isUnique: true }, [], postgresql, naming)).toBe('City_name_of_Order-Line_u')
  })

  it('uses the spelling of the table in the database', () => {
    const mysql = databaseFacts('mysql', [table('app', 'City', { id: 'app.city' })])
    expect(indexName(index('app.city', ['name']), [], mysql)).toBe('City_name_idx')
  })

  it('adds a number to a used name, with the case rules of the database', () => {
    const city = index('public.city', ['name'])
    expect(indexName(city, ['city_name_idx', 'CITY_NAME_2_IDX'], postgresql)).toBe('city_name_2_idx')
    expect(indexName(city, ['CITY_NAME_IDX'], databaseFacts('sqlite'))).toBe('city_name_2_idx')
  })

  it.each(['postgresql', 'mysql', 'mariadb'] as const)(
    'respects the maximum name length of %s',
    (product) => {
      const long = index('x.é'.repeat(1), ['é'.repeat(40), 'b'])
      const taken: string[] = []
      for (let times = 0; times < 12; times += 1) {
        const name = indexName(long, taken, databaseFacts(product))
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(product === 'postgresql' ? 63 : 64)
        expect(name).not.toContain('\uFFFD')
        expect(taken).not.toContain(name)
        taken.push(name)
      }
    },
  )
})

const city = index('public.city', ['name'])
const facts = databaseFacts('postgresql', [
  table('public', 'city', { indexes: [existingIndex('public.city', 'city_name_idx', ['id'])] }),
])

describe('indexNamer', () => {
  it('returns no name that the database has or that it returned before', () => {
    const nameOf = indexNamer(facts, {}, ['city_name_3_idx'])
    expect([nameOf(city), nameOf(city)]).toEqual(['city_name_2_idx', 'city_name_4_idx'])
  })

  it('returns no name that is used elsewhere', () => {
    expect(indexNamer(facts, { takenNames: () => ['city_name_2_idx'] })(city)).toBe('city_name_3_idx')
    expect(
      indexNamer(facts, { takenNames: ({ keys }) => (keys[0]?.column === 'id' ? ['city_name_2_idx'] : []) })(
        city,
      ),
    ).toBe('city_name_2_idx')
  })

  it('follows the naming of the project', () => {
    expect(indexNamer(facts, { naming: { suffix: '_index', uniqueSuffix: '_unique' } })(city)).toBe(
      'city_name_index',
    )
  })
})
