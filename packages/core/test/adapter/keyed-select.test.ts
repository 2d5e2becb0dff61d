import { lookupKey, type RowForm } from '@sluice/core/adapter'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { keyedOf, keys, planOf } from './planned-selects.ts'

describe('a select by key', () => {
  it.each([
    ['SELECT * FROM city WHERE id = $1', 'SELECT * FROM city WHERE id in ($1, $2)'],
    [
      'select "id", "name" from "city" where "id" = $1 limit $2',
      'select "id", "name" from "city" where "id" in ($1, $2) ',
    ],
    ['select "id" from "city" where "id" = $1 limit 1', 'select "id" from "city" where "id" in ($1, $2) '],
    ['select id from city c where (c.id = $1)', 'select id from city c where (c.id in ($1, $2))'],
    [
      'select * from city where ((region_id = $1) and (size > $2)) order by id desc',
      'select * from city where ((region_id in ($1, $2)) and (size > $3)) order by id desc',
    ],
    [
      'select r.id, c.name from city c left outer join region as r on (r.id = c.region_id and r.id > $1) where c.id = $2 limit $3',
      'select r.id, c.name, c.id as "sluice_key_1" from city c left outer join region as r on (r.id = c.region_id and r.id > $1) ' +
        'where c.id in ($2, $3) ',
    ],
    [
      'select c.*, region.* from city c join region on c.region_id = region.id join city d on d.id = region.id where c.id = $1',
      'select c.*, region.*, c.id as "sluice_key_1" from city c join region on c.region_id = region.id ' +
        'join city d on d.id = region.id where c.id in ($1, $2)',
    ],
    [
      'select name from public.city where id = $1',
      'select name, id as "sluice_key_1" from public.city where id in ($1, $2)',
    ],
  ])('is extended to many keys: %s', (sql, batched) => {
    expect(keyedOf(sql).query.write([1, 9, 9], keys(1, 2)).sql).toBe(batched)
  })

  it.each([
    ['uid = $1::uuid', 'uid in ($1::uuid, $2::uuid)'],
    [
      '(c.uid = cast($1 as pg_catalog.uuid))',
      '(c.uid in (cast($1 as pg_catalog.uuid), cast($2 as pg_catalog.uuid)))',
    ],
    ['id in ($1)', 'id in ($1, $2)'],
    ['(uid IN ($1::uuid)) and size > $2', '(uid in ($1::uuid, $2::uuid)) and size > $3'],
    ['id = $1::int and size > $2::numeric', 'id in ($1::int, $2::int) and size > $3::numeric'],
    ['id = $1::"int8"', 'id in ($1::"int8", $2::"int8")'],
    ['name = CAST($1 AS Text)', 'name in (CAST($1 AS Text), CAST($2 AS Text))'],
    ['name = $1::varchar', 'name in ($1::varchar, $2::varchar)'],
    ['mood = $1::"mood"', 'mood in ($1::"mood", $2::"mood")'],
    ['mood = $1::public.mood', 'mood in ($1::public.mood, $2::public.mood)'],
    ['tone = $1::"other"."tone"', 'tone in ($1::"other"."tone", $2::"other"."tone")'],
    ['day = $1::date', 'day in ($1::date, $2::date)'],
    ['day = $1', 'day in ($1, $2)'],
    [
      'region_id = $1::int4 and name = $2::text',
      '(region_id, name) in (($1::int4, $2::text), ($3::int4, $4::text)) and 1 = 1',
    ],
  ])('is extended to many keys that are cast to the type of the column: %s', (condition, batched) => {
    const { query, keys: columns } = keyedOf(`select id from city c where ${condition}`)
    const asked = columns.length > 1 ? keys([1, 'a'], [2, 'b']) : keys(1, 2)
    expect(query.write([1, 9, 9], asked).sql.split(' where ')[1]).toBe(batched)
  })

  it('reads a date as text, because each driver returns dates in its own form', () => {
    const { query } = keyedOf('select day from city where day = $1::date')
    expect(query.write(['2026-01-02'], keys('2026-01-02')).sql).toBe(
      'select day, day::text as "sluice_key_1" from city where day in ($1::date)',
    )
    const day = new Date(0)
    expect(query.split([{ day, sluice_key_1: '2026-01-02' }], keys('2026-01-02'), [])).toEqual(
      new Map([['s2026-01-02', [{ day }]]]),
    )
  })

  it('casts the keys of the first rows', () => {
    const sql = 'select id from city where uid = $1::uuid order by id limit 2'
    expect(keyedOf(sql).query.write(['a'], keys('a', 'b')).sql).toContain(
      'where false union all select $1::uuid, 0 union all select $2::uuid, 1) as sluice_keys',
    )
  })

  it.each([
    ['name = $1 and day = $2::date', ['name']],
    ['day = $1::date and name = $2', ['name']],
    ['day = $1::date and size > $2', ['day']],
  ])('is rarely keyed by a date: %s', (condition, columns) => {
    const { keys: found } = keyedOf(`select id from city where ${condition}`)
    expect(found.map(({ column }) => column)).toEqual(columns)
  })

  it.each([
    [
      'select size from city where region_id = $1 and size > $3 and (name = $2)',
      'select size, region_id as "sluice_key_1", name as "sluice_key_2" from city ' +
        'where (region_id, name) in (($1, $2), ($3, $4)) and size > $5 and (1 = 1)',
    ],
    [
      'select * from city c where ((c.name = $1) and (c.region_id = $2)) limit $3',
      'select * from city c where (((c.region_id, c.name) in (($1, $2), ($3, $4))) and (1 = 1)) ',
    ],
  ])('is extended to many composite keys: %s', (sql, batched) => {
    const { query, keys: columns, constants } = keyedOf(sql)
    expect(columns.map(({ column }) => column)).toEqual(['region_id', 'name'])
    const { sql: written, params } = query.write(['a', 7, 9], keys([7, 'a'], [8, 'b']))
    expect(written).toBe(batched)
    expect(params).toEqual([7, 'a', 8, 'b', ...constants.map(() => 9)])
  })

  it.each([
    [
      'select count(*) from city where region_id = $1;',
      'select count(*), region_id as "sluice_key_1" from city where region_id in ($1, $2) group by region_id',
    ],
    [
      'select cast(count(distinct c.id) as int) as n, max(c.name) m from city c where (c.size > $1 and c.region_id = $2) limit $3',
      'select cast(count(distinct c.id) as int) as n, max(c.name) m, c.region_id as "sluice_key_1" ' +
        'from city c where (c.size > $1 and c.region_id in ($2, $3)) group by c.region_id',
    ],
    [
      'select sum(size)::int8 as n from city where region_id = $1 and name = $2',
      'select sum(size)::int8 as n, region_id as "sluice_key_1", name as "sluice_key_2" from city ' +
        'where (region_id, name) in (($1, $2), ($3, $4)) and 1 = 1 group by region_id, name',
    ],
    [
      'select cast(coalesce(sum(id)::int8, 0) as int) as n, coalesce(max(id), 0)::int from city where region_id = $1',
      'select cast(coalesce(sum(id)::int8, 0) as int) as n, coalesce(max(id), 0)::int, region_id as "sluice_key_1" ' +
        'from city where region_id in ($1, $2) group by region_id',
    ],
    [
      'select 1 as found from city where region_id = $1 limit $2',
      'select 1 as found, region_id as "sluice_key_1" from city where region_id in ($1, $2) group by region_id',
    ],
  ])('is grouped by its key: %s', (sql, batched) => {
    const { query, keys: columns } = keyedOf(sql)
    const asked = columns.length > 1 ? keys([1, 'a'], [2, 'b']) : keys(1, 2)
    expect(query.write([1, 9, 9], asked).sql).toBe(batched)
  })

  it.each([
    [
      'select name from city where region_id = $1 order by id desc limit $2',
      'select sluice_rows.*, rank() over (partition by sluice_keys.place order by sluice_rows."sluice_order_1" desc) ' +
        'as "sluice_rank_1", sluice_keys.place as "sluice_place_1" from ' +
        '(select region_id as key_0, 0 as place from city where false union all select $1, 0 union all select $2, 1) ' +
        'as sluice_keys cross join lateral (select name, id as "sluice_order_1" from city ' +
        'where region_id = sluice_keys.key_0 order by id desc limit $3) as sluice_rows',
      [1, 2, 3],
    ],
    [
      'select * from city as c where c.size > $1 and (c.region_id = $2) order by size nulls first limit 2',
      'select sluice_rows.*, rank() over (partition by sluice_keys.place order by sluice_rows."sluice_order_1" nulls first) ' +
        'as "sluice_rank_1", sluice_keys.place as "sluice_place_1" from ' +
        '(select c.region_id as key_0, 0 as place from city as c where false union all select $1, 0 union all select $2, 1) ' +
        'as sluice_keys cross join lateral (select *, size as "sluice_order_1" from city as c ' +
        'where c.size > $3 and (c.region_id = sluice_keys.key_0) order by size nulls first limit 3) as sluice_rows',
      [1, 2, 9],
    ],
  ])('reads the first rows of each key on PostgreSQL: %s', (sql, batched, bound) => {
    const params = sql.includes('$1 order') ? [7, 3] : [9, 7]
    const { sql: written, params: values } = keyedOf(sql).query.write(params, keys(1, 2))
    expect(written).toBe(batched)
    expect(values).toEqual(bound)
  })

  it('reads a page of each key', () => {
    const page = 'order by id limit $2 offset $3'
    const { query, constants } = keyedOf(`select name from city where region_id = $1 ${page}`)
    const { sql, params } = query.write([7, 2, 4], keys(7, 8))
    expect(sql).toMatch(
      /where region_id = sluice_keys\.key_0 order by id limit \$3 offset \$4\) as sluice_rows$/,
    )
    expect(params).toEqual([7, 8, 2, 4])
    expect(constants).toEqual([1, 2])
    const unique = keyedOf('select name from city where id = ? order by id limit 5 offset 3', 'mysql')
    expect(unique.query.write([7], keys(7)).sql).toContain('order by id limit 5 offset 3) as sluice_arm')
  })

  it('reads the first rows of each key on MySQL', () => {
    const sql = 'select `name` from `city` where `size` > ? and `region_id` = ? order by `size` limit ?'
    const { query, constants } = keyedOf(sql, 'mysql')
    const arm = (place: number) =>
      'select sluice_arm.*, rank() over (order by sluice_arm.`sluice_order_1`) as `sluice_rank_1`, ' +
      `${place} as \`sluice_place_1\` from (select \`city\`.\`id\` as \`sluice_id_1\`, ` +
      '`size` as `sluice_order_1` from `city` where `size` > ? and `region_id` = ? order by `size` limit ?) as sluice_arm'
    const { sql: written, params } = query.write([5, 0, 2], keys(7, 8))
    expect(written).toBe(
      'select `name`, sluice_rows.`sluice_rank_1`, sluice_rows.`sluice_place_1` from `city` join ' +
        `(${arm(0)} union all ${arm(1)}) as sluice_rows on \`city\`.\`id\` = sluice_rows.\`sluice_id_1\``,
    )
    expect(params).toEqual([5, 7, 3, 5, 8, 3])
    expect(constants).toEqual([0, 2])
    const star = keyedOf('select *, `id` `x` from `city` as `c` where `region_id` = ? limit 1', 'mysql')
    expect(star.query.write([7], keys(7)).sql).toMatch(/^select `c`\.\*, `id` `x`, sluice_rows\./)
  })

  it('drops the first rows of keys that are tied', () => {
    const { query } = keyedOf('select id from city where region_id = $1 order by size limit $2')
    const row = (id: number, rank: number, place: number) => ({
      id,
      sluice_order_1: 0,
      sluice_rank_1: String(rank),
      sluice_place_1: place,
    })
    const rows = () => [row(4, 2, 1), row(3, 1, 1), row(1, 1, 0), row(2, 1, 0), row(5, 3, 1)]
    const found = query.split(rows(), keys(7, 8, 9), [7, 2])
    expect(found).toEqual(
      new Map([
        ['i8', [{ id: 3 }, { id: 4 }]],
        ['i9', []],
      ]),
    )
    expect(query.isTied).toBe(false)
    expect(query.split(rows().slice(2, 4), keys(7), [7, 1])).toEqual(new Map())
    expect(query.isTied).toBe(true)
    expect(query.split(rows(), keys(7), [7, 2])).toBeUndefined()
  })

  it('is 0 for a key without rows in the form of other results', () => {
    const { query } = keyedOf('select coalesce(sum(id), 0) as n, max(id) as m from city where region_id = $1')
    expect(query.emptyRow?.({ n: '12', m: 7 })).toEqual({ n: '0', m: null })
    expect(query.emptyRow?.({ n: 12, m: 7 })).toEqual({ n: 0, m: null })
    expect(query.emptyRow?.({ n: '12.50', m: 7 })).toBeUndefined()
  })

  it('is one of numbers if its limit is 1', () => {
    expect(keyedOf('select 1 from city where region_id = $1 limit $2').maxLimit).toBe(1)
    expect(keyedOf('select count(*) from city where region_id = $1 limit $2').maxLimit).toBeUndefined()
  })

  it.each([
    ['select * from city where size = $1 and region_id = $2', 1],
    ['select * from city where id = $1 and region_id = $2', 0],
    ['select * from city where region_id = $1 and size > $2', 0],
  ])('chooses its key by the catalog: %s', (sql, place) => {
    expect(keyedOf(sql)).toMatchObject({ keys: [{ place }], constants: [1 - place] })
  })

  it.each([
    ['select * from city', 'NOT_BY_KEY'],
    ['select * from city where id = 7', 'NOT_BY_KEY'],
    ['select * from city where size = $1', 'NOT_BY_KEY'],
    ['select * from city where $1 = id', 'NOT_BY_KEY'],
    ['select * from city where id = $1::numeric', 'NOT_BY_KEY'],
    ['select * from city where id = $1::text', 'NOT_BY_KEY'],
    ['select * from city where id = $1::"integer"', 'NOT_BY_KEY'],
    ['select * from city where id = $1::int[]', 'NOT_BY_KEY'],
    ['select * from city where id = $1::public.int4', 'NOT_BY_KEY'],
    ['select * from city where id = $1::int::int', 'NOT_BY_KEY'],
    ['select * from city where id = ($1::int)', 'NOT_BY_KEY'],
    ['select * from city where id = cast($1 + 1 as int)', 'NOT_BY_KEY'],
    ['select * from city where uid = $1::uuid::text', 'NOT_BY_KEY'],
    ['select * from city where uid::text = $1::text', 'NOT_BY_KEY'],
    ['select * from city where name = $1::varchar(3)', 'NOT_BY_KEY'],
    ['select * from city where name = cast($1 as varchar(3))', 'NOT_BY_KEY'],
    ['select * from city where name = $1::bpchar', 'NOT_BY_KEY'],
    ['select * from city where name = $1::name', 'NOT_BY_KEY'],
    ['select * from city where name = $1::text collate "C"', 'NOT_BY_KEY'],
    ['select * from city where name = $1::short_name', 'NOT_BY_KEY'],
    ['select * from city where mood = $1::text', 'NOT_BY_KEY'],
    ['select * from city where mood = $1::other.mood', 'NOT_BY_KEY'],
    ['select * from city where tone = $1::tone', 'NOT_BY_KEY'],
    ['select * from city where tone = $1::a.other.tone', 'NOT_BY_KEY'],
    ['select * from city where day = $1::timestamp', 'NOT_BY_KEY'],
    ['select * from city where moment = $1', 'NOT_BY_KEY'],
    ['select * from city where moment = $1::timestamp(3)', 'NOT_BY_KEY'],
    ['select * from city where id::text = $1', 'NOT_BY_KEY'],
    ['select * from city where lower(name) = $1', 'NOT_BY_KEY'],
    ['select * from city where id = any($1)', 'NOT_BY_KEY'],
    ['select * from city where id is not distinct from $1', 'NOT_BY_KEY'],
    ['select * from city where not (id = $1)', 'NOT_BY_KEY'],
    ['select * from city where id = $1 or region_id = $2', 'NOT_BY_KEY'],
    ['select * from city where region_id = $1 and name = $2 and size > $2', 'KEY_USED_TWICE'],
    ['select * from city where region_id = $1 and name = $1', 'KEY_USED_TWICE'],
    ['select * from city where id = $1 and size > $1', 'KEY_USED_TWICE'],
    ['select * from city where region_id = $1 order by id limit 101', 'UNSUPPORTED_LIMIT'],
    ['select * from city where region_id = $1 order by lower(name) limit 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select * from city where region_id = $1 order by 1 limit 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select id as size from city where region_id = $1 order by size limit 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select id as x from city where region_id = $1 order by x limit 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select * from city where id = $1 limit 0', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $1 limit 1 + 1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $2 and size > $1 limit $1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $1 fetch first 1 row only', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = $1 offset 1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where region_id = $1 order by id offset 1 limit 2', 'UNSUPPORTED_LIMIT'],
    ['select * from city where region_id = $1 order by id limit 2 offset 1 + 1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where region_id = $1 order by id limit 101 offset 1', 'UNSUPPORTED_LIMIT'],
    ['select * from city where region_id = $1 order by size limit 2 offset 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select count(*) from city where region_id = $1 limit 1 offset 1', 'OFFSET'],
    ['select 1 from city where region_id = $1 limit 1 offset 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select distinct region_id from city where id = $1', 'GROUPED_ROWS'],
    ['select region_id from city where id = $1 group by region_id', 'GROUPED_ROWS'],
    ['select count(*) filter (where size > 1) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(*) + 1 as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(distinct 1) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(null) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count((1)) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select sum(1) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count((id) + 1) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(distinct(id), name) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(*) as n, id from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(sum(id), 1) as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(sum(id), $2) as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(sum(id), 0, 1) as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(0, sum(id)) as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(sum(id), 0) + 1 as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(sum(id)::money, 0) as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select coalesce(sum(size), 0) as n from city where id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select coalesce(avg(id), 0) as n from city where id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select coalesce(max(name), 0) as n from city where id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select sum(id + 1) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(*)::numeric(10, 2) as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select count(*)::money as n from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select cast(count(*) as money) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select string_agg(name, $2) from city where id = $1', 'COMPUTED_COLUMNS'],
    ['select sum(weight) from city where id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select max(nothing) from city where id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select count(*) as region_id from city where region_id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select count(*) as "1" from city where region_id = $1', 'UNSUPPORTED_AGGREGATE'],
    ['select count(*) as n from city where region_id = $1 order by n', 'UNSUPPORTED_AGGREGATE'],
    ['select count(*) over () as n from city where id = $1', 'GROUPED_ROWS'],
    ['select count(*) from city where id = $1 having count(*) > 1', 'GROUPED_ROWS'],
    ['select 1 from city where region_id = $1 order by id limit 1', 'NONDETERMINISTIC_FIRST_ROW'],
    ['select row_number() over () from city where id = $1', 'GROUPED_ROWS'],
    ['select * from city c right join region r on r.id = c.region_id where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city c full join region r on r.id = c.region_id where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city c, region r where r.id = c.region_id and c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city c cross join region r where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city join region using (id) where city.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city natural join region where city.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city c join big_city b on b.id = c.id where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city c join only region r on r.id = c.region_id where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from (city c join region r on r.id = c.region_id) where c.id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city c join region r on r.id = c.region_id where id = $1', 'NOT_BY_KEY'],
    ['select * from only city where id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from city tablesample system (10) where id = $1', 'NOT_A_PLAIN_READ'],
    ['select * from big_city where id = $1', 'NOT_ONE_BASE_TABLE'],
    ['select * from nowhere where id = $1', 'NOT_ONE_BASE_TABLE'],
    ['with c as (select * from city) select * from c where id = $1', 'NOT_A_SELECT'],
    ['(select * from city where id = $1)', 'NOT_A_SELECT'],
    ['select * from city where id = $1 union select * from city where id = $2', 'NOT_A_SELECT'],
    ['select * from city where id = $1 for update', 'NOT_A_PLAIN_READ'],
    ['select * from city where id = $1 and size > random()', 'NOT_A_PLAIN_READ'],
    ['update city set size = 1 where id = $1', 'NOT_A_PLAIN_READ'],
  ])('passes through unchanged: %s (%s)', (sql, reason) => {
    expect(planOf(sql).keyed).toEqual({ refused: reason })
  })

  it.each([
    ['select * from city where name = ? order by name limit 1', 'mysql', 'NONDETERMINISTIC_FIRST_ROW'],
    [
      'select id, name as id from city where region_id = ? order by id limit 1',
      'mysql',
      'NONDETERMINISTIC_FIRST_ROW',
    ],
    ['select * from city where region_id = ? order by id limit 1', 'sqlite', 'PAGE_ON_SQLITE'],
    ['select * from city where id = ? order by id limit 1 offset 1', 'sqlite', 'PAGE_ON_SQLITE'],
    ['select * from city where region_id = ? order by id limit 1, 2', 'mysql', 'UNSUPPORTED_LIMIT'],
    ['select * from city where id = cast(? as int)', 'sqlite', 'NOT_BY_KEY'],
    ['select coalesce(sum(id), 0) as n from city where region_id = ?', 'sqlite', 'UNSUPPORTED_AGGREGATE'],
    ['select * from city where id = cast(? as int)', 'mysql', 'NOT_BY_KEY'],
  ] as const)('passes through unchanged: %s on %s', (sql, dialect, reason) => {
    expect(planOf(sql, dialect).keyed).toEqual({ refused: reason })
  })

  it('passes through unchanged with named or numbered parameters of SQLite', () => {
    expect(planOf('select * from city where id = ?1 and size > ?2', 'sqlite').keyed).toEqual({
      refused: 'NAMED_PARAMETERS',
    })
    expect(planOf('select * from city where id = :id', 'sqlite').keyed).toEqual({
      refused: 'NAMED_PARAMETERS',
    })
  })

  it('adds a helper column when no other column is certainly the key', () => {
    const helpersOf = (sql: string, form: RowForm = 'objects') =>
      keyedOf(sql, 'postgresql', form).query.helpers
    expect(helpersOf('select * from city where id = $1')).toBe(0)
    expect(helpersOf('select * from city where id = $1', 'arrays')).toBe(1)
    expect(helpersOf('select id as name, name from city where id = $1')).toBe(1)
    expect(helpersOf('select name, id from city where id = $1', 'arrays')).toBe(0)
    expect(helpersOf('select name from city where region_id = $1 and name = $2')).toBe(1)
    const rows = [{ sluice_key_1: 'a', sluice_key_2: 7 }]
    const { query } = keyedOf('select name as sluice_key_1 from city where id = $1')
    expect(query.split(rows, keys(7), [7])).toEqual(new Map([['i7', [{ sluice_key_1: 'a' }]]]))
  })
})

describe('the rows of a batched select', () => {
  const database = new Database(':memory:')
  database.exec('create table region (id integer primary key); insert into region values (1), (3), (5)')
  database.exec('create table city (id integer primary key, region_id integer, name text, size decimal)')
  for (let id = 1; id <= 40; id++)
    database.prepare('insert into city values (?, ?, ?, ?)').run(id, id % 7, `city ${id % 5}`, id)

  const keyValues: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
    id: [[3], [1], [99], [5]],
    region_id: [[3], [1], [99], [5]],
    name: [['city 1'], ['city 4'], ['nowhere']],
    'region_id,name': [
      [3, 'city 1'],
      [3, 'city 2'],
      [1, 'city 1'],
      [9, 'city 1'],
    ],
  }
  const rowsOf = (sql: string, params: readonly unknown[], form: RowForm) =>
    database
      .prepare(sql)
      .raw(form === 'arrays')
      .all(...params) as (unknown[] | Record<string, unknown>)[]

  it.each([
    ['select * from city where id = ?', []],
    ['select name from city where id = ? limit 1', []],
    ['select name, size from city where region_id = ? order by id desc', []],
    ['select name as id, size from city where (region_id = ?) order by 2', []],
    ['select size from city where ((region_id = ?) and (size > ?)) order by id', [12]],
    [
      'select c.*, name from city as c where c."region_id" = ? and c.size between ? and ? order by c.id',
      [3, 30],
    ],
    ['select id, name from city where name = ? order by id', []],
    ['select id from city where name = ? and size > ? and (region_id = ?) order by id desc', [4]],
    ['select * from city where (region_id = ?) and name = ? order by id', []],
    ['select c.*, r.id from city c left join region r on r.id = c.region_id where c.id = ?', []],
    ['select r.*, c.id as cid from city c join region r on r.id = c.region_id where c.id = ? limit 1', []],
    ['select * from city c join region r on r.id = c.id where c.region_id = ? and size > ? order by 1', [1]],
    ['select count(r.id) n from city c left join region r on r.id = c.id where c.region_id = ?', []],
    ['select count(*) as n from city where region_id = ?', []],
    ['select count(*) from city where id = ? limit 5', []],
    ['select min(size) a, count(distinct name) b, sum(region_id), avg(id) from city where name = ?', []],
    ['select cast(count(*) as text) as n, max(name) as m from city where size > ? and region_id = ?', [8]],
    ['select count(*) as n from city where region_id = ? and name = ?', []],
    ['select 1 as found, 2 from city where region_id = ? limit 1', []],
  ] as const)('contain the rows of each key separately: %s', (sql, constants) => {
    for (const form of ['arrays', 'objects'] as const) {
      const keyed = keyedOf(sql, 'sqlite', form)
      const names = keyed.keys.map(({ column }) => column).join()
      const values = keyValues[names] ?? []
      const paramsOf = (value: readonly unknown[]) => {
        const params: unknown[] = []
        for (const [at, { place }] of keyed.keys.entries()) params[place] = value[at]
        for (const [at, place] of keyed.constants.entries()) params[place] = constants[at]
        return params
      }
      const asked = values.flatMap((value) => lookupKey(value) ?? [])
      const { sql: batched, params } = keyed.query.write(paramsOf(values[0] ?? []), asked)
      const rows = rowsOf(batched, params, form)
      const groups = keyed.query.split(rows, asked, params)
      const [sample] = rows
      const empty = sample && keyed.query.emptyRow?.(sample)
      if (empty !== undefined)
        for (const [text, group] of groups ?? []) if (group.length === 0) groups?.set(text, [empty])
      expect(asked.map(({ text }) => groups?.get(text))).toEqual(
        values.map((value) => rowsOf(sql, paramsOf(value), form)),
      )
    }
  })
})
