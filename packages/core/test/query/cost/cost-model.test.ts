import { type CatalogData, SchemaCatalog } from '@sluice/core/adapter'
import { describe, expect, it } from 'vitest'
import { planOf } from '../../../src/query/cost/cost-model.ts'
import { TableFacts } from '../../../src/query/cost/table-facts.ts'
import { shop } from '../shop-catalog.ts'

const none = new TableFacts(() => undefined)
const plan = (sql: string, facts = none) => planOf(sql, 'postgresql', facts).plan

describe('estimated cost', () => {
  it.each([
    ['a scan of the driving table', 'select a from t', 100],
    ['each join', 'select a from t join u on u.id = t.u_id left join v using (id), w', 250],
    ['GROUP BY', 'select a from t group by a', 130],
    ['ORDER BY', 'select a from t order by a', 120],
    ['DISTINCT', 'select distinct a from t', 125],
    ['each query of a UNION', 'select a from t union all select a from u order by 1', 220],
    ['a subquery', 'select a from t where exists (select 1 from u where u.id = t.id)', 200],
    [
      'a common table expression once, where its table is read',
      'with x as (select a from t) select a from x',
      100,
    ],
    ['the scan of an update', 'update t set a = 1 where b = 2', 100],
    ['the scan of a delete', 'delete from t', 100],
    ['nothing for an insert of values', 'insert into t values (1)', 0],
    ['nothing without a table', 'select 1', 0],
  ])('includes %s', (_, sql, cost) => {
    expect(plan(sql).estimatedCost).toBe(cost)
  })

  it('ignores ORDER BY in windows and aggregates', () => {
    expect(plan('select row_number() over (order by a), array_agg(b order by c) from t').estimatedCost).toBe(
      100,
    )
  })

  it('distinguishes IS DISTINCT FROM from FROM, and columns with names of clauses from clauses', () => {
    expect(
      plan('select t.from, t."where", x is not distinct from y from tiles t where a is distinct from b'),
    ).toMatchObject({
      estimatedCost: 100,
      rowsToScan: 10_000,
      filters: ['a is distinct from b'],
    })
  })
})

describe('rows to scan', () => {
  it.each([
    ['city', 2_500],
    ['public.City', 2_500],
    ['unknown', 10_000],
  ])('are for %s those of the inspection, otherwise the default', (table, rows) => {
    const facts = new TableFacts(
      () => undefined,
      (name) => (/^(public\.)?city$/i.test(name) ? 2_500 : undefined),
    )
    expect(plan(`select * from ${table}`, facts).rowsToScan).toBe(rows)
    facts.setRows('city', 7)
    expect(plan('select * from city', facts).rowsToScan).toBe(7)
  })

  it('are the configured ones, and 1% of them with an index', () => {
    const facts = new TableFacts(() => undefined)
    facts.setRows('users', 2_050)
    expect(plan('select * from "users" where id = 1', facts).rowsToScan).toBe(2_050)
    facts.setIndexes('users', [['id', 'name']])
    expect(plan('select * from "users" where id = 1', facts)).toMatchObject({
      rowsToScan: 21,
      estimatedCost: 0,
      indexes: ['INDEX users(id, name)'],
    })
    expect(plan('select * from "users" where name = $1', facts)).toMatchObject({
      rowsToScan: 2_050,
      estimatedCost: 100,
      indexes: [],
    })
  })

  it('are added up over joined tables', () => {
    expect(plan('select 1 from tiles join users on users.id = tiles.user_id').rowsToScan).toBe(20_000)
  })
})

describe('a usable index', () => {
  const known = (data: CatalogData = shop('postgresql')) => {
    const catalog = new SchemaCatalog(data)
    return new TableFacts((dialect) => (dialect === catalog.dialect ? catalog : undefined))
  }

  it.each([
    ['a primary key', 'select * from customers where id = $1', ['PRIMARY KEY customers(id)']],
    ['a unique key', 'select * from customers where email in ($1, $2)', ['UNIQUE customers(email)']],
    [
      'a range',
      'select * from customers where id between $1 and $2 and name = $3',
      ['PRIMARY KEY customers(id)'],
    ],
    ['a mirrored comparison', 'select * from customers c where $1 = c.id', ['PRIMARY KEY customers(id)']],
    [
      'the first column of a key',
      'select * from items where order_id = $1',
      ['PRIMARY KEY items(order_id, product_id)'],
    ],
    [
      'a joined table found by its key',
      'select * from orders join customers on customers.id = orders.customer_id',
      ['PRIMARY KEY customers(id)'],
    ],
    [
      'the key of what is joined by comma',
      'select * from orders, customers where customers.id = orders.customer_id',
      ['PRIMARY KEY customers(id)'],
    ],
  ])('can be %s', (_, sql, indexes) => {
    expect(plan(sql, known()).indexes).toEqual(indexes)
  })

  it.each([
    ['the second column of a key', 'select * from items where product_id = $1'],
    ['a foreign key', 'select * from orders where customer_id = $1'],
    ['an expression', 'select * from customers where lower(email) = $1'],
    ['an alternative', 'select * from customers where id = $1 or name = $2'],
    ['a negation', 'select * from customers where id <> $1 and email not in ($2) and email is not null'],
    ['a pattern', "select * from customers where email like '%x'"],
    [
      'a key compared with a table not yet read',
      'select * from customers, orders where customers.id = orders.customer_id and 1 = 1'
        .replace('customers, orders', 'customers, orders o')
        .replace('orders.customer_id', 'o.customer_id'),
    ],
  ])('cannot be %s', (_, sql) => {
    expect(plan(sql, known()).estimatedCost).toBeGreaterThanOrEqual(100)
  })

  it('can be a foreign key on MySQL, which creates an index for it', () => {
    expect(
      planOf('select * from orders where customer_id = ?', 'mysql', known(shop('mysql'))).plan,
    ).toMatchObject({
      estimatedCost: 0,
      indexes: ['FOREIGN KEY orders(customer_id)'],
    })
  })
})

describe('a plan', () => {
  it('shows joins and filters without their values', () => {
    expect(
      plan(
        "select a from t left join u on u.id = t.id and u.kind = 'x' where t.a = 7 and (t.b in (1, 2) and t.c > 'y')",
      ),
    ).toMatchObject({
      joins: ['left join u on u.id = t.id and u.kind = ?'],
      filters: ['t.a = ?', 't.b in (?)', 't.c > ?'],
    })
  })

  it('treats the AND of BETWEEN and the content of CASE as part of their condition', () => {
    const { filters } = plan(
      'select 1 from t where a between 1 and 2 and case when b and c or d then 1 end = 1 and e not between $1 and $2',
    )
    expect(filters).toEqual([
      'a between ? and ?',
      'case when b and c or d then ? end = ?',
      'e not between ? and ?',
    ])
  })

  it('recommends fixes for scans, stars, joins without a condition, and many joins', () => {
    const { optimization } = plan('select * from t, u')
    expect(optimization.join('\n')).toMatch(
      /t is read completely, about 10,000 rows[\s\S]*u is joined without a condition[\s\S]*SELECT \*/,
    )
    expect(plan('select a from t where b = $1').optimization.join()).toContain('No index is known on t(b)')
    const joins = [1, 2, 3, 4, 5, 6].map((n) => `join t${n} on t${n}.id = t.id`)
    expect(plan(`select a from t ${joins.join(' ')}`).optimization.join()).toContain('6 joins')
    expect(plan(`select a from t ${joins.slice(1).join(' ')}`).optimization.join()).not.toContain('joins:')
  })

  it('counts each table of a join in parentheses, and a condition on a row once', () => {
    expect(
      plan('select 1 from t left join (u join v on u.id = v.id) on u.id = t.id where (t.a, t.b) = (1, 2)'),
    ).toMatchObject({
      joins: ['left join (u join v on u.id = v.id) on u.id = t.id', 'join v on u.id = v.id'],
      filters: ['(t.a, t.b) = (?)'],
    })
  })

  it('reports why it cannot read SQL', () => {
    expect(plan("select 'x")).toMatchObject({
      estimatedCost: 0,
      rowsToScan: 0,
      optimization: [expect.stringContaining('unterminated string')],
    })
    expect(plan('select (1')).toMatchObject({ optimization: [expect.stringContaining('parenthesis')] })
    expect(plan('select a into x from t where b = 1').optimization).toContainEqual(
      expect.stringContaining('SELECT INTO'),
    )
  })
})
