import type { Dialect } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { keyedOf, keys, planOf } from './planned-selects.ts'

/** What Drizzle sends for `with: { region: true }` and `with: { cities: … }`. */
const REGION =
  `left join lateral (select json_build_array("r"."id") as "data" from (select * from "region" "r" ` +
  `where "r"."id" = "c"."region_id" limit $1) "r") "r" on true`
const citiesOf = (inner: string) =>
  `left join lateral (select coalesce(json_agg(json_build_array("n"."id", "n"."name") order by "n"."id" asc), '[]'::json) ` +
  `as "data" from (${inner}) "n") "n" on true`
const OWN = 'select * from "city" "n" where "n"."region_id" = "r"."id"'

describe('a select by key with joins', () => {
  it.each([
    'select c.*, r.id from city c left join region r on r.id = c.region_id',
    'select c.id from city c join region r on r.id > c.region_id and r.id < $9',
    'select c.id from city c left join city d on d.region_id = c.region_id',
    'select c.id from city c left join city d on d.region_id = c.region_id or d.size is null',
    'select c.id from city c left join region r on r.id = c.region_id left join city d on d.region_id = r.id',
    'select c.id from city c left join (select id as of from region) r on r.of = c.region_id',
    `select "c"."id", "r"."data" as "region" from "city" "c" ${REGION}`,
    'select c.id, n.data from city c left join lateral (select count(*) as data from city n where n.region_id = c.id) n on true',
  ])('keeps the rows of the first table apart: %s', (from) => {
    const { query } = keyedOf(`${from} where c.id = $2`, 'postgresql', 'arrays')
    const { sql } = query.write([1, 7, 3, 4, 5, 6, 7, 8, 9], keys(1, 2))
    expect(sql).toMatch(/ where c\.id in \(\$\d, \$\d\)$/)
  })

  it.each([
    [
      'select c.id, r.id as rid from city c join region r on r.id = c.region_id where r.id = $1',
      'select c.id, r.id as rid from city c join region r on r.id = c.region_id where r.id in ($1, $2)',
    ],
    [
      'select c.name from city c left join region r on r.id = c.region_id where r.id = $1 order by c.id',
      'select c.name, r.id as "sluice_key_1" from city c left join region r on r.id = c.region_id where r.id in ($1, $2) order by c.id',
    ],
    [
      'select r.* from region r inner join city c on (c.region_id IN ($1)) and c.size > r.id',
      'select r.*, c.region_id as "sluice_key_1" from region r inner join city c on (c.region_id in ($1, $2)) and c.size > r.id',
    ],
    [
      'select r.id from region r join city c on c.region_id = r.id and c.id = $1 left join city d on d.region_id = r.id',
      'select r.id, c.id as "sluice_key_1" from region r join city c on c.region_id = r.id and c.id in ($1, $2) left join city d on d.region_id = r.id',
    ],
    [
      'select r.id, c.name, c.region_id from region r join city c on c.region_id = $1 and c.name = $2',
      'select r.id, c.name, c.region_id from region r join city c on (c.region_id, c.name) in (($1, $2), ($3, $4)) and 1 = 1',
    ],
    [
      'select count(*) as n from region r join city c on c.region_id = $1 and c.id > r.id',
      'select count(*) as n, c.region_id as "sluice_key_1" from region r join city c on c.region_id in ($1, $2) and c.id > r.id group by c.region_id',
    ],
    [
      'select 1 from region r join city c on c.region_id = $1 limit 1',
      'select 1, c.region_id as "sluice_key_1" from region r join city c on c.region_id in ($1, $2) group by c.region_id',
    ],
  ])('has a key of a joined table: %s', (sql, written) => {
    const { query, target } = keyedOf(sql)
    const values = target.columns.length === 2 ? keys([1, 'x'], [2, 'x']) : keys(1, 2)
    expect(query.write([1, 'x'], values).sql).toBe(written)
    expect(target.table).toBe(/\br\.id in/.test(written) ? 'public.region' : 'public.city')
  })

  it('assigns the rows to the keys of a joined table', () => {
    const { query } = keyedOf('select r.id from region r join city c on c.region_id = r.id and c.id = $1')
    const rows = [
      { id: 7, sluice_key_1: 2 },
      { id: 7, sluice_key_1: 1 },
    ]
    expect(query.split(rows, keys(1, 2, 3), [1])).toEqual(
      new Map([
        ['i1', [{ id: 7 }]],
        ['i2', [{ id: 7 }]],
        ['i3', []],
      ]),
    )
  })

  it.each([
    // A unique or foreign key, of the first table if possible.
    ['c.region_id = $1 and r.id = $2', 0, 'region_id'],
    ['r.id = $1 and c.region_id = $2', 0, 'region_id'],
    ['c.uid = $1 and r.id = $2', 1, 'id'],
    ['r.id = $1 and d.id = $2', 2, 'id'],
    ['d.id = $1 and r.id = $2', 1, 'id'],
    ['c.uid = $1 and d.uid = $2', 0, 'uid'],
    ['c.day = $1 and d.uid = $2', 2, 'uid'],
    ['c.day = $1 and d.day = $2', 0, 'day'],
  ])('chooses the key among conditions on several tables: %s', (conditions, at, column) => {
    const { keyed } = planOf(
      'select c.id from city c left join region r on r.id > c.region_id ' +
        `left join city d on d.region_id = r.id where ${conditions}`,
    )
    expect(keyed).toMatchObject({ keys: [{ at, column }] })
  })

  it('has a limit with a key of the first table only', () => {
    const of = (conditions: string) =>
      planOf(`select c.id from city c join region r on r.id = c.region_id where ${conditions} limit 1`).keyed
    expect(of('c.uid = $1 and r.id = $2 order by c.id')).toMatchObject({ target: { columns: ['uid'] } })
    expect(of('r.id = $1')).toEqual({ refused: 'UNSUPPORTED_LIMIT' })
  })

  it.each([
    'select c.id from city c left join region r on r.id = $1',
    'select c.id from city c left join region r on r.id = c.region_id and c.id = $1',
    'select c.id from city c join region r on r.id = $1 or c.id = 1',
    'select c.id from city c join region r on not (r.id = $1)',
    'select c.id from city c left join (select id as of from region) r on true where r.of = $1',
  ])('has no key in a condition that does not omit the other rows: %s', (sql) => {
    expect(planOf(sql).keyed).toEqual({ refused: 'NOT_BY_KEY' })
  })

  it.each([
    'c.id, upper(c.name) as big',
    'c.id, (select count(*) from city n where n.region_id = c.id) as n',
    'c.id, (select json_agg(n) from (select id from city d where d.region_id = c.id) as n) as n',
    "case when size > 1 then 'x' end",
    '1',
  ])('computes outputs from one row: %s', (outputs) => {
    const { query } = keyedOf(`select ${outputs} from city c where c.id = $1`)
    expect(query.write([1], keys(1, 2)).sql).toContain(' where c.id in ($1, $2)')
  })

  it.each([
    'size > $2 or size is null',
    'exists (select 1 from region r where r.id = c.region_id)',
    'region_id in (select id from region)',
    'size < (select max(id) from region)',
    'coalesce(size, 0) > $2',
    'not (size > 1 and id > 2)',
  ])('has further conditions on one row: %s', (condition) => {
    const { query } = keyedOf(`select id from city c where id = $1 and (${condition})`)
    expect(query.write([1, 2], keys(1, 2)).sql).toContain(' where id in ($1, $2) and (')
  })

  it('reads all tables, also those of nested queries', () => {
    const nested = 'select count(*) from region r where exists (select 1 from city n where n.id = r.id)'
    const { tables } = keyedOf(`select (${nested}) as n from region where id = $1`)
    expect(tables).toEqual(['public.region', 'public.city'])
  })

  it('omits its limit if each row of the first table has at most one joined row', () => {
    const limited = (from: string) => planOf(`select c.id from city c ${from} where c.id = $2 limit 1`).keyed
    expect(limited(REGION)).toMatchObject({ maxLimit: undefined })
    expect(limited('left join region r on r.id = c.region_id')).toMatchObject({ maxLimit: undefined })
    expect(limited('left join region r on r.id = 7')).toMatchObject({ maxLimit: undefined })
    expect(limited('left join (select max(id) as most from region) r on true')).toMatchObject({
      maxLimit: undefined,
    })
    for (const from of [
      'left join city d on d.region_id = c.region_id',
      'left join region r on r.id > c.region_id',
      'left join region r on r.id = c.size',
      'left join region r on r.id = c.name',
      'left join region r on r.id is not distinct from c.region_id',
      'left join region r on not (r.id = c.region_id)',
      'left join region r on r.id = r.id',
      'left join region r on r.id = c.region_id or r.id = 1',
      'left join city d on d.region_id = c.region_id and d.name = c.name',
      'left join (select * from region) r on r.id = c.region_id',
      'left join lateral (select * from city n where n.region_id = c.region_id) n on true',
    ])
      expect(limited(from), from).toEqual({ refused: 'UNSUPPORTED_LIMIT' })
  })

  it('has no rows of the first table if a join can repeat them', () => {
    const sourceOf = (from: string) => planOf(`select c.id from city c ${from} where c.id = $2`).rowSource
    expect(sourceOf(REGION)).toMatchObject({ table: 'public.city' })
    expect(sourceOf('join region r on r.id = c.region_id')?.property('id')).toBe('id')
    expect(sourceOf('join city d on d.region_id = c.region_id')).toBeUndefined()
  })

  it('reads the first rows of each key with what is joined to them', () => {
    const sql =
      `select "c"."id", "r"."data" from "city" as "c" ${REGION} where "c"."region_id" = $2 ` +
      'order by "c"."id" desc limit $3'
    const { sql: written, params } = keyedOf(sql).query.write([1, 7, 5], keys(7, 8))
    expect(written).toContain('(select "c"."region_id" as key_0, 0 as place from "city" as "c" where false ')
    expect(written).toContain('where "c"."region_id" = sluice_keys.key_0 order by "c"."id" desc limit $4)')
    expect(params).toEqual([7, 8, 1, 5])
    const of = (text: string, dialect?: Dialect) =>
      planOf(`select c.id from city c join region r on r.id = c.id where c.region_id = ${text}`, dialect)
        .keyed
    expect(of('$1 order by r.id limit 1')).toEqual({ refused: 'NONDETERMINISTIC_FIRST_ROW' })
    expect(of('? order by c.id limit 1', 'mysql')).toEqual({ refused: 'UNSUPPORTED_LIMIT' })
  })

  it('reads its key from a helper column if another output can have the same name', () => {
    const helpersOf = (outputs: string, form: 'arrays' | 'objects' = 'objects') =>
      keyedOf(
        `select ${outputs} from city c left join region r on r.id = c.region_id where c.id = $1`,
        'postgresql',
        form,
      ).query.helpers
    expect(helpersOf('c.id, r.id as rid')).toBe(0)
    expect(helpersOf('c.id, r.id')).toBe(1)
    // PostgreSQL names the column after that of the subquery.
    expect(helpersOf('c.id, (select n.id from region n where n.id = c.region_id)')).toBe(1)
    expect(helpersOf('c.id, (select n.id from region n where n.id = c.region_id) as nid')).toBe(0)
    expect(helpersOf('c.id, r.id, c.size + 1', 'arrays')).toBe(0)
    expect(helpersOf('c.id, r.*', 'arrays')).toBe(1)
  })

  it.each([
    ['select id from city c right join region r on r.id = c.id where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select id from (select * from city) c where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select id from city c left join unnest(array[1]) r on true where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select id from city c left join (select * from big_city) b on true where c.id = $1', 'NO_BASE_TABLE'],
    // Each returns several rows for one.
    ['select generate_series(1, 2) from city where id = $1 limit 1', 'COMPUTED_COLUMNS'],
    ['select id, unnest(array[1, 2]) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select id from city where id = $1 order by generate_series(1, 2) limit 1', 'COMPUTED_COLUMNS'],
    // The aggregates group the rows of the select, not those of the nested query.
    ['select (select sum(size)) as s from city where region_id = $1', 'SUBQUERY'],
    ['select (select count(c.id) from region r) as s from city c where region_id = $1', 'SUBQUERY'],
    ['select (select json_agg(c) from region r) as s from city c where region_id = $1', 'SUBQUERY'],
    // PostgreSQL takes a column of an outer query before the row of that alias.
    ['select (select json_agg(size) from (select id from region) size) from city where id = $1', 'SUBQUERY'],
    ['select id from city c where region_id = $1 order by (select max(c.id) from region r)', 'SUBQUERY'],
    ["select 'x' as x from city where region_id = $1 order by count(*)", 'GROUPED_ROWS'],
    // The database chooses among rows.
    ['select (select sum(weight) from city n where n.id = c.id) from city c where id = $1', 'SUBQUERY'],
    ['select (select string_agg(distinct name, $2) from city n) from city c where id = $1', 'SUBQUERY'],
    ['select (select mode() within group (order by name) from city n) from city c where id = $1', 'SUBQUERY'],
    ['select (select stddev(size) from city n) from city c where id = $1', 'SUBQUERY'],
    ['select (select name from city n group by name) from city c where id = $1', 'SUBQUERY'],
    ['select (select distinct name from city n) from city c where id = $1', 'SUBQUERY'],
    ['select (select rank() over (order by size) from city n) from city c where id = $1', 'SUBQUERY'],
    ['select (select 1 union select 2 limit 1) from city c where id = $1', 'SUBQUERY'],
    ['select (select id from region limit 1) from city c where id = $1', 'NONDETERMINISTIC_FIRST_ROW'],
    [
      'select (select id from city n order by size limit 1) from city c where id = $1',
      'NONDETERMINISTIC_FIRST_ROW',
    ],
    [
      'select id from city c where id = $1 and size in (select size from city n order by lower(name), id limit 3)',
      'NONDETERMINISTIC_FIRST_ROW',
    ],
  ])('passes through unchanged: %s (%s)', (sql, reason) => {
    expect(planOf(sql).keyed).toEqual({ refused: reason })
  })

  it.each([
    [`${OWN} order by "n"."id" asc limit $1`, true],
    [`${OWN} order by "n"."size" desc, "n"."id" limit $1 offset 2`, true],
    [`${OWN} order by "n"."name" limit 2`, true],
    [`${OWN} order by "n"."size" limit $1`, false],
    [`${OWN} limit 3`, false],
    [`select * from "city" "n" where "n"."region_id" > "r"."id" order by "n"."name" limit 2`, false],
    [`${OWN} and "n"."name" = 'x' limit 2`, false],
    [`${OWN} order by "n"."id"::text limit 2`, false],
    [
      `select "n".* from "city" "n" left join "city" "m" on true where "n"."id" = "r"."id" order by "n"."id" limit 2`,
      false,
    ],
  ])('has the same first rows in a nested query: %s (%s)', (inner, isSame) => {
    const { keyed } = planOf(
      `select "r"."id", "n"."data" from "region" "r" ${citiesOf(inner)} where "r"."id" = $2`,
    )
    expect('refused' in keyed ? keyed.refused : true).toBe(isSame || 'NONDETERMINISTIC_FIRST_ROW')
  })

  it('follows the columns of derived tables to those of the table', () => {
    const inner =
      `left join lateral (select json_build_array("m"."id") as "data" from (select * from "region" "m" ` +
      `where "m"."id" = "n"."region_id" limit $3) "m") "m" on true`
    const from = (derived: string) =>
      planOf(
        `select "r"."id", "n"."data" from "region" "r" left join lateral (select json_agg("m"."data") as "data" ` +
          `from (${derived}) "n" ${inner}) "n" on true where "r"."id" = $2`,
      ).keyed
    for (const derived of [OWN, `select "n".* from "city" "n"`, 'select id, region_id from city'])
      expect(from(derived), derived).toHaveProperty('query')
    // Its type is different, so that it may equal several keys.
    expect(from('select size as region_id from city')).toEqual({ refused: 'NONDETERMINISTIC_FIRST_ROW' })
    expect(from('select id + 1 as region_id from city')).toEqual({ refused: 'NONDETERMINISTIC_FIRST_ROW' })
    for (const outputs of ['c.*, d.region_id', '*'])
      expect(from(`select ${outputs} from city c join city d on true`)).toEqual({
        refused: 'NONDETERMINISTIC_FIRST_ROW',
      })
  })

  it('takes at most one row as a value on SQLite, which takes the first', () => {
    const of = (nested: string) => planOf(`select (${nested}) as x from city c where id = ?`, 'sqlite').keyed
    expect(of('select r.id from region r where r.id = c.region_id')).toHaveProperty('query')
    expect(of('select max(r.id) from region r')).toHaveProperty('query')
    expect(of('select r.id from region r')).toEqual({ refused: 'NONDETERMINISTIC_FIRST_ROW' })
    expect(of('select max(r.id), r.id from region r')).toEqual({ refused: 'SUBQUERY' })
    const among = 'select id from city where id = ? and region_id in (select id from region)'
    expect(planOf(among, 'sqlite').keyed).toHaveProperty('query')
  })

  it('reads window functions of nested queries only if they have no name on MySQL', () => {
    const of = (derived: string, outputs: string, dialect: Dialect = 'mysql') => {
      const quote = (text: string) =>
        dialect === 'mysql' ? text : text.replaceAll('`', '"').replace('?', '$1')
      return planOf(
        quote(
          `select \`r\`.\`id\`, \`n\`.\`data\` from \`region\` \`r\` left join lateral (select ${outputs} from (${derived} ` +
            'from `city` `n` where `n`.`region_id` = `r`.`id`) `n`) `n` on true where `r`.`id` = ?',
        ),
        dialect,
      ).keyed
    }
    const [unnamed, listed] = [
      'select *, row_number() over (order by `size`)',
      'json_array(`n`.`id`) as `data`',
    ]
    expect(of(unnamed, listed)).toHaveProperty('query')
    expect(of(unnamed, 'json_arrayagg(json_array(`n`.`id`)) as `data`')).toHaveProperty('query')
    for (const [derived, outputs, dialect] of [
      [`${unnamed} as place`, listed],
      [unnamed, '`n`.*'],
      [unnamed, '*'],
      [unnamed, '`row_number() over (order by `size`)` as `data`'.replace('`size`', 'size')],
      [unnamed, 'json_build_array(`n`.`id`) as `data`', 'postgresql'],
    ] as const)
      expect(of(derived, outputs, dialect), outputs).toEqual({ refused: 'SUBQUERY' })
  })

  it('compares aliases exactly, because databases compare their case differently', () => {
    const nested = (outer: string) =>
      planOf(
        `select (select N.id from region N where N.id = ${outer}.region_id limit 1) from city c where id = ?`,
        'mysql',
      ).keyed
    expect(nested('c')).toHaveProperty('query')
    expect(nested('C')).toEqual({ refused: 'NONDETERMINISTIC_FIRST_ROW' })
    const counted = (alias: string) =>
      planOf(`select (select count(c.id) from region ${alias}) from city where id = ?`, 'mysql').keyed
    expect(counted('c')).toHaveProperty('query')
    expect(counted('C')).toEqual({ refused: 'SUBQUERY' })
  })
})
