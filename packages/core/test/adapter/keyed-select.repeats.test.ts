import { describe, expect, it } from 'vitest'
import { areRepeated, paramsOf } from '../../src/adapter/select/key-columns.ts'
import { keyedOf, keys, planOf } from './planned-selects.ts'

describe('a select by key with several conditions on the key', () => {
  it.each([
    [
      'select id from city where id = $1 and (id in ($2))',
      'select id from city where 1 = 1 and (id in ($1, $2))',
    ],
    [
      'select id from city where id = $1 and size > $3 and id = $2 and id = $1',
      'select id from city where 1 = 1 and size > $1 and 1 = 1 and id in ($2, $3)',
    ],
    [
      'select name, region_id from city c where c.region_id = $1 and region_id = $2 and name = $3 and name in ($4)',
      'select name, region_id from city c where 1 = 1 and (region_id, name) in (($1, $2), ($3, $4)) and 1 = 1 and 1 = 1',
    ],
  ])('replaces the last one by the list of keys: %s', (sql, written) => {
    const { query, target } = keyedOf(sql)
    const values = target.columns.length === 2 ? keys([1, 'x'], [2, 'x']) : keys(1, 2)
    // The condition on the whole key replaces the first condition that no other one repeats.
    expect(query.write([1, 1, 'x', 'x'], values).sql).toBe(written)
  })

  it('does not share the values of the conditions', () => {
    expect(keyedOf('select id from city where id = $1 and id = $3 and size > $2').constants).toEqual([1])
    // The other column is not in the key, so both of its conditions are constants.
    const { constants } = keyedOf('select id from city where size = $1 and id = $3 and size = $2')
    expect(constants).toEqual([0, 1])
  })

  it('lists the first rows of each key', () => {
    const rows = 'select id from city where region_id = $1 and region_id = $2 order by id limit 2'
    expect(keyedOf(rows).query.write([7, 7], keys(7, 8)).sql).toContain(
      'where 1 = 1 and region_id = sluice_keys.key_0 order by',
    )
    const { sql, params } = keyedOf(rows.replaceAll(/\$\d/g, '?'), 'mysql').query.write([7, 7], keys(7, 8))
    expect(sql).toContain('where region_id = ? and region_id = ? order by')
    expect(params).toEqual([7, 7, 8, 8])
  })

  it('replaces all values by those of a key', () => {
    const { keys: columns } = keyedOf('select id from city where id = $1 and id = $3 and size > $2')
    const [key] = keys(8)
    expect(key && paramsOf([7, 5, 7], columns, key)).toEqual([8, 5, 8])
  })

  it('is refused where a parameter of the key is used elsewhere', () => {
    const of = (sql: string) => planOf(sql).keyed
    const refused = { refused: 'KEY_USED_TWICE' }
    expect(of('select id from city where id = $1 and id in ($1) and size > $1')).toEqual(refused)
    expect(of('select id from city where id = $1 and id = $2 and size > $1')).toEqual(refused)
    expect(of('select id from city where id = $1 and id = $2 and size > $3')).toHaveProperty('query')
  })

  it.each([
    ['id', [7, 7], true],
    ['id', [7, 7n], true],
    ['id', [7, '7'], true],
    ['id', ['7', 7], true],
    ['id', ['7', '7'], true],
    ['id', [7, 8], false],
    ['id', [7, '8'], false],
    ['id', [7, '07'], false],
    ['id', [7, [7]], false],
    ['id', [7, true], false],
    ['id', [7, null], false],
    ['id', [null, 7], false],
    ['name', ['a', 'a'], true],
    ['name', ['a', 'A'], false],
    ['name', ['7', 7], false],
    ['uid', ['a', 'a'], true],
  ])('compares the values of %s: %o (%s)', (column, params, isSame) => {
    const { keys: columns } = keyedOf(`select id from city where ${column} = $1 and ${column} = $2`)
    expect(areRepeated(params, columns)).toBe(isSame)
  })
})
