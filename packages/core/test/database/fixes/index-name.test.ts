import { describe, expect, it } from 'vitest'
import { indexName } from '../../../src/database/fixes/index-name.ts'
import { databaseFacts, index, table } from './facts.ts'

describe('indexName', () => {
  const postgresql = databaseFacts('postgresql')

  it('follows the ORM', () => {
    const mixed = index('public.Order-Line', ['City', 'name'])
    expect(indexName(mixed, [], postgresql, 'prisma')).toBe('Order-Line_City_name_idx')
    expect(indexName(mixed, [], postgresql, 'knex')).toBe('order_line_city_name_index')
    expect(indexName({ ...mixed, isUnique: true }, [], postgresql, 'prisma')).toBe('Order-Line_City_name_key')
    expect(indexName({ ...mixed, isUnique: true }, [], postgresql, 'knex')).toBe('order_line_city_name_unique')
  })

  it('writes the table as the database does', () => {
    const mysql = databaseFacts('mysql', [table('app', 'City', { id: 'app.city' })])
    expect(indexName(index('app.city', ['name']), [], mysql, 'prisma')).toBe('City_name_idx')
  })

  it('numbers a name that is taken, as the database compares names', () => {
    const city = index('public.city', ['name'])
    expect(indexName(city, ['city_name_idx', 'CITY_NAME_2_IDX'], postgresql, 'prisma')).toBe('city_name_2_idx')
    expect(indexName(city, ['CITY_NAME_IDX'], databaseFacts('sqlite'), 'prisma')).toBe('city_name_2_idx')
  })

  it.each(['postgresql', 'mysql', 'mariadb'] as const)('keeps to the longest name of %s', (product) => {
    const long = index('x.é'.repeat(1), ['é'.repeat(40), 'b'])
    const taken: string[] = []
    for (let times = 0; times < 12; times += 1) {
      const name = indexName(long, taken, databaseFacts(product), 'prisma')
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(product === 'postgresql' ? 63 : 64)
      expect(name).not.toContain('\uFFFD')
      expect(taken).not.toContain(name)
      taken.push(name)
    }
  })
})
