import { describe, expect, it } from 'vitest'
import { measuredByMysql, readMysqlPlan } from '../../../src/database/explain/explain-mysql.ts'
import { planContext } from '../../../src/database/explain/plan-summary.ts'
import { tokenize } from '../../../src/sql/tokenize.ts'

const contextOf = (sql: string) => planContext('mysql', tokenize(sql, 'mysql'), 'shop')

describe('readMysqlPlan', () => {
  it('reads a join of MySQL 8 that is sorted with a temporary table', () => {
    const plan = {
      query_block: {
        select_id: 1,
        cost_info: { query_cost: '125.40' },
        ordering_operation: {
          using_temporary_table: true,
          using_filesort: true,
          nested_loop: [
            {
              table: {
                table_name: 'o',
                access_type: 'ALL',
                rows_examined_per_scan: 1000,
                rows_produced_per_join: 100,
                filtered: '10.00',
                attached_condition: "(`shop`.`o`.`state` = 'new')",
              },
            },
            {
              table: {
                table_name: 'c',
                access_type: 'eq_ref',
                key: 'PRIMARY',
                used_key_parts: ['id'],
                rows_examined_per_scan: 1,
                rows_produced_per_join: 100,
                filtered: '100.00',
              },
            },
          ],
        },
      },
    }
    const summary = readMysqlPlan(
      plan,
      contextOf('SELECT * FROM orders o JOIN customer AS c ON c.id = o.customer_id ORDER BY c.name'),
    )
    expect(summary).toMatchObject({
      cost: 125.4,
      rowsScanned: 1_100,
      rowsReturned: 100,
      sorts: 1,
      temporaryStructures: 1,
    })
    expect(summary.steps).toEqual([
      {
        table: 'shop.orders',
        name: 'o',
        access: 'full-scan',
        rows: 1000,
        loops: 1,
        filter: expect.stringContaining('state'),
      },
      {
        table: 'shop.customer',
        name: 'c',
        access: 'key',
        index: 'PRIMARY',
        searchedBy: ['id'],
        rows: 1,
        loops: 100,
      },
    ])
  })

  it('reads subqueries and unions, and does not count their rows as returned', () => {
    const table = (name: string, more: object = {}) => ({
      table: { table_name: name, access_type: 'ref', key: 'a', rows: 5, filtered: 100, ...more },
    })
    const plan = {
      query_block: {
        union_result: {
          using_temporary_table: true,
          query_specifications: [
            {
              query_block: {
                ...table('x'),
                optimized_away_subqueries: [{ query_block: table('z', { using_index: true }) }],
              },
            },
            { query_block: table('y', { access_type: 'index_merge' }) },
          ],
        },
      },
    }
    const summary = readMysqlPlan(
      plan,
      contextOf('SELECT * FROM x UNION SELECT * FROM y WHERE (SELECT 1 FROM z)'),
    )
    expect(summary.steps.map(({ table: id, access }) => [id, access])).toEqual([
      ['shop.x', 'index-search'],
      ['shop.z', 'index-only-scan'],
      ['shop.y', 'bitmap'],
    ])
    expect(summary.rowsReturned).toBeUndefined()
    expect(summary.temporaryStructures).toBe(1)
  })

  it('reads the measurements of MariaDB', () => {
    const plan = {
      query_block: {
        cost: 2.5,
        r_loops: 1,
        r_total_time_ms: 7.25,
        nested_loop: [
          {
            table: {
              table_name: 'x',
              access_type: 'ALL',
              loops: 1,
              r_loops: 1,
              rows: 90,
              r_rows: 100,
              filtered: 100,
              r_filtered: 25,
            },
          },
        ],
      },
    }
    expect(readMysqlPlan(plan, contextOf('SELECT * FROM x'))).toMatchObject({
      cost: 2.5,
      executionTime: 7.25,
      rowsScanned: 100,
      rowsReturned: 25,
    })
  })
})

describe('measuredByMysql', () => {
  it('reads time and row counts from a tree', () => {
    const tree = `-> Limit: 20 row(s)  (cost=4.5 rows=20) (actual time=0.05..1.75 rows=20 loops=1)
    -> Nested loop inner join  (cost=4.5 rows=20) (actual time=0.05..1.7 rows=20 loops=1)
        -> Table scan on o  (cost=1.2 rows=1000) (actual time=0.04..0.9 rows=400 loops=1)
        -> Single-row index lookup on c using PRIMARY (id=o.customer_id)  (cost=0.25 rows=1) (actual time=0.001..0.001 rows=1 loops=20)
`
    expect(measuredByMysql([{ EXPLAIN: tree }])).toEqual({
      executionTime: 1.75,
      rowsReturned: 20,
      rowsScanned: 420,
    })
  })
})
