import { describe, expect, it } from 'vitest'
import { keyedOf, keys, planOf } from './planned-selects.ts'

describe('a select by key of distinct columns of a derived table', () => {
  /** What TypeORM sends for `findOne` with relations. */
  const sqlOf = (of: {
    readonly outputs?: string
    readonly select?: string
    readonly from?: string
    readonly where?: string
    readonly end?: string
  }) =>
    `SELECT DISTINCT ${of.outputs ?? '"x"."c_id" AS "ids_c_id"'} FROM (SELECT ` +
    `${of.select ?? '"c"."id" AS "c_id", "c"."name" AS "c_name", "r"."id" AS "r_id"'} FROM "city" "c" ` +
    `${of.from ?? 'LEFT JOIN "region" "r" ON "r"."id" > "c"."region_id"'} ` +
    `WHERE (("c"."${of.where ?? 'id'}" = $1)) AND ("c"."size" > $2)) "x" ${of.end ?? 'ORDER BY "c_id" ASC LIMIT 1'}`

  it('reads the row of each key', () => {
    const plan = planOf(sqlOf({ outputs: '"x"."c_name", "x"."c_id" AS "ids_c_id"' }))
    expect(plan).toMatchObject({ isOrdered: true, rowSource: { table: 'public.city', isWhole: false } })
    expect(plan.rowSource?.property('id')).toBe('ids_c_id')
    const { query, target, constants } = keyedOf(sqlOf({}))
    expect({ target, constants }).toMatchObject({ target: { columns: ['id'] }, constants: [1] })
    expect(query.write([1, 9], keys(7, 8))).toEqual({
      sql: sqlOf({ end: 'ORDER BY "c_id" ASC ' })
        .replace('"c"."id" = $1', '"c"."id" in ($1, $2)')
        .replace('"size" > $2', '"size" > $3'),
      params: [7, 8, 9],
    })
    const rows = [{ ids_c_id: 8 }]
    expect(query.split(rows, keys(7, 8), [7, 9])).toEqual(
      new Map([
        ['i7', []],
        ['i8', [{ ids_c_id: 8 }]],
      ]),
    )
  })

  it.each([
    { select: '*', from: '', outputs: 'id' },
    { outputs: '"x"."C_ID"' },
    { select: '"c".*', outputs: '"x"."id", name' },
    { outputs: '"x"."c_id"', end: 'LIMIT $3' },
    { select: '"c"."region_id" as r, "c"."name" as n, "c"."id"', outputs: 'r, id', end: '' },
  ])('%j', (of) => {
    expect(planOf(sqlOf(of)).keyed).toHaveProperty('query')
  })

  it.each([
    [{ outputs: '"x"."r_id", "x"."c_id"' }, 'NOT_ONE_BASE_TABLE'],
    [{ outputs: '"x"."c_id" + 1 AS n' }, 'NOT_ONE_BASE_TABLE'],
    [{ outputs: 'count(*) AS n' }, 'NOT_ONE_BASE_TABLE'],
    [{ outputs: '*' }, 'NOT_ONE_BASE_TABLE'],
    [{ outputs: 'ON ("x"."c_id") "x"."c_id"' }, 'NOT_ONE_BASE_TABLE'],
    [{ outputs: '"x"."c_name"' }, 'GROUPED_ROWS'],
    [{ where: 'region_id' }, 'GROUPED_ROWS'],
    [{ where: 'region_id', outputs: 'r, c_id', select: 'c.region_id AS r, c.id AS c_id' }, 'GROUPED_ROWS'],
    [{ where: 'weight', from: 'JOIN region r ON r.id = $3' }, 'GROUPED_ROWS'],
    [
      { where: 'day" = $3 AND "c"."mood', outputs: 'd, m', select: 'c.day AS d, c.mood AS m' },
      'GROUPED_ROWS',
    ],
    [{ select: '"c"."id" AS c_id, lower("c"."name")' }, 'NOT_ONE_BASE_TABLE'],
    [{ select: '"c"."id" AS c_id, "r"."id" AS "C_ID"' }, 'NOT_ONE_BASE_TABLE'],
    [{ select: 'max("c"."id") AS c_id' }, 'NOT_ONE_BASE_TABLE'],
    [{ select: 'DISTINCT "c"."id" AS c_id' }, 'NOT_ONE_BASE_TABLE'],
    [{ select: 'rank() over () AS r, "c"."id" AS c_id' }, 'NOT_ONE_BASE_TABLE'],
    [{ select: 'unnest(array[1]) AS r, "c"."id" AS c_id' }, 'COMPUTED_COLUMNS'],
    [{ from: 'RIGHT JOIN "region" "r" ON true' }, 'NOT_ONE_BASE_TABLE'],
    [{ end: 'WHERE c_id > 1' }, 'NOT_ONE_BASE_TABLE'],
    [{ end: 'GROUP BY c_id' }, 'NOT_ONE_BASE_TABLE'],
    [{ end: 'ORDER BY "x"."c_id" + 1' }, 'NOT_ONE_BASE_TABLE'],
    [{ end: 'JOIN region ON true' }, 'NOT_ONE_BASE_TABLE'],
    [{ end: 'LIMIT 1 OFFSET 1' }, 'OFFSET'],
    [{ end: 'LIMIT 0' }, 'UNSUPPORTED_LIMIT'],
  ])('refuses %j: %s', (of, reason) => {
    expect(planOf(sqlOf(of)).keyed).toEqual({ refused: reason })
  })

  it('refuses other forms of the derived table', () => {
    for (const from of [
      '(select id from city where id = $1 limit 1) x',
      '(select id from city where id = $1 group by id) x',
      '(select id from city where id = $1 union select 1) x',
      '(select id from city where id = $1) x (id)',
      '(select id from city where id = $1 order by count(*)) x',
      '(select id from (select id from city) c where id = $1) x',
    ])
      expect(planOf(`select distinct x.id from ${from}`).keyed, from).toEqual({
        refused: 'NOT_ONE_BASE_TABLE',
      })
    expect(planOf('select x.id from (select id from city where id = $1) x').keyed).toEqual({
      refused: 'NOT_ONE_BASE_TABLE',
    })
  })
})
