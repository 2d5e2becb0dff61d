import { InvalidArgumentError, QueryOptimizationEngine } from '@sluice/core'
import { SchemaCatalog } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { shop } from '../shop-catalog.ts'

const engine = () => new QueryOptimizationEngine({ catalog: new SchemaCatalog(shop('postgresql')) })

describe('recommendJoinStrategy', () => {
  it.each([
    ['orders', 'customers', 'orders.customer_id = customers.id', 'INNER'],
    ['orders', 'couriers', 'orders.courier_id = couriers.id', 'LEFT'],
    ['customers', 'orders', 'customers.id = orders.customer_id', 'LEFT'],
    ['a', 'b', 'a.x = b.y', 'INNER'],
    ['a', 'b', 'LEFT JOIN b ON a.x = b.y', 'LEFT'],
    ['a', 'b', 'right outer join b on a.x = b.y', 'RIGHT'],
    ['orders', 'couriers', 'JOIN couriers ON orders.courier_id = couriers.id', 'INNER'],
    ['a', 'b', 'FULL JOIN b ON a.x = b.y', 'FULL'],
    ['a', 'b', 'a.x = b.y AND b.y IS NULL', 'LEFT'],
    ['a', 'b', 'a.x = b.y AND a.x IS NULL', 'RIGHT'],
  ])('joins %s with %s by "%s" as %s', (left, right, condition, type) => {
    expect(engine().recommendJoinStrategy(left, right, condition)).toMatchObject({
      type,
      left,
      right,
      condition,
    })
  })

  it('uses the requested type', () => {
    expect(
      engine().recommendJoinStrategy('orders', 'couriers', 'orders.courier_id = couriers.id', 'FULL').type,
    ).toBe('FULL')
  })

  const sized = (left: number, right: number, indexes: { left?: boolean; right?: boolean } = {}) => {
    const sizes = new QueryOptimizationEngine({ dialect: 'postgresql' })
    sizes.setTableRows('a', left)
    sizes.setTableRows('b', right)
    if (indexes.left === true) sizes.setTableIndexes('a', [['x']])
    if (indexes.right === true) sizes.setTableIndexes('b', [['y']])
    return sizes.recommendJoinStrategy('a', 'b', 'a.x = b.y')
  }

  it('recommends a nested loop if one side is small or the right side has an index', () => {
    expect(sized(500, 1_000_000).algorithm).toBe('nested-loop')
    expect(sized(50_000, 1_000_000, { right: true }).algorithm).toBe('nested-loop')
  })

  it('recommends a hash join for large sides, and a merge join if both have an index', () => {
    expect(sized(50_000, 1_000_000).algorithm).toBe('hash')
    expect(sized(500_000, 1_000_000, { right: true }).algorithm).toBe('hash')
    expect(sized(500_000, 1_000_000, { left: true, right: true }).algorithm).toBe('merge')
  })

  it('estimates rows from keys and types', () => {
    const orders = engine()
    orders.setTableRows('orders', 5_000)
    orders.setTableRows('customers', 100)
    expect(
      orders.recommendJoinStrategy('orders', 'customers', 'orders.customer_id = customers.id').estimatedRows,
    ).toBe(1_000)
    orders.setTableRows('customers', 2_000)
    expect(
      orders.recommendJoinStrategy('orders', 'customers', 'orders.customer_id = customers.id').estimatedRows,
    ).toBe(5_000)
    orders.setTableRows('couriers', 0)
    expect(
      orders.recommendJoinStrategy('orders', 'couriers', 'orders.courier_id = couriers.id').estimatedRows,
    ).toBe(5_000)
    expect(sized(300, 200, {}).estimatedRows).toBe(2_000)
  })

  it('warns about a cartesian product', () => {
    expect(engine().recommendJoinStrategy('orders', 'customers', 'orders.id > customers.id')).toMatchObject({
      algorithm: 'nested-loop',
      warnings: [expect.stringContaining('every row is compared')],
    })
  })

  it('warns about a missing index on the inner key, and about different types', () => {
    expect(
      engine().recommendJoinStrategy('orders', 'items', 'orders.id = items.product_id').warnings,
    ).toEqual([
      'No index is known on items(product_id).',
      expect.stringContaining('orders.id is integer and items.product_id is text'),
    ])
    expect(
      engine().recommendJoinStrategy('orders', 'customers', 'orders.customer_id = customers.id').warnings,
    ).toEqual([])
  })

  it('warns about many joins in the condition or in observed queries', () => {
    const seen = engine()
    const more = ['b', 'c', 'd', 'e', 'f']
      .map((table) => `join ${table} on ${table}.id = orders.id`)
      .join(' ')
    seen.analyzeQuery(`select 1 from orders join customers on customers.id = orders.customer_id ${more}`, 1)
    expect(
      seen.recommendJoinStrategy('orders', 'customers', 'orders.customer_id = customers.id').warnings,
    ).toEqual([expect.stringContaining('6 joins')])
    expect(
      seen.recommendJoinStrategy('orders', 'couriers', 'orders.courier_id = couriers.id').warnings,
    ).toEqual([])
  })

  it('reports why it cannot read a condition', () => {
    expect(engine().recommendJoinStrategy('a', 'b', "a.x = 'y").warnings[0]).toContain('unterminated string')
  })

  it.each([
    ['', 'b', 'a.x = b.y'],
    ['a', ' ', 'a.x = b.y'],
    ['a', 'b', ''],
    ['a', 'b', 'a.x = b.y', 'OUTER' as 'LEFT'],
  ] as const)('throws for %j, %j, %j, %j', (left, right, condition, type?: 'LEFT') => {
    expect(() => engine().recommendJoinStrategy(left, right, condition, type)).toThrow(InvalidArgumentError)
  })
})
