import { expect, it } from 'vitest'
import { readStatement } from '../../src/sql/statement.ts'

function modulo(expression: string, from = 'from items i'): readonly string[] | undefined {
  const { names, opaque } = readStatement(`select ${expression} ${from}`, 'postgresql')
  expect(opaque).toBeUndefined()
  return names.modulo
}

it.each([
  'id % 2',
  '(id + 1) % 2 = 1',
  'lower(name) % 2',
  '2 % name',
  'data -> 2 % id',
  'coalesce(id % 2, 7 % id)',
  'id % 2.5 as x',
])('needs no column if an operand is a number: %s', (expression) => {
  expect(modulo(expression)).toEqual([])
})

it.each([
  ['id % size', ['id', 'size']],
  ['i.id % i.size = 1', ['id', 'size']],
  ['ID % "Size"', ['id', 'Size']],
])('needs the types of the columns: %s', (expression, columns) => {
  expect(modulo(expression)).toEqual(columns)
})

it.each([
  "name % 'x'",
  'name % $1',
  'name % name::text',
  'id::text % name',
  'id % size ^ 2',
  '2 ^ 2 % size',
  'id % 2::text',
  'id % 2 collate "C"',
  '-id % size',
  'a || id % size',
  '(item).id % size',
  'id % size[1]',
  'id % interval',
  "id % date '2020-01-01'",
  'id % f(size)',
  'lower(name) % size',
  'id % size, lower(name) as id',
  'id % size, name as id',
  'id % 2, name % name2 || name3 % f(x)',
])('may be any operator: %s', (expression) => {
  expect(modulo(expression)).toBeUndefined()
})

it('may be any operator if another value has the name of a column', () => {
  expect(modulo('id % size', 'from (select name as id, size from items) i')).toBeUndefined()
  expect(modulo('id % size', "from (values ('a', 'b')) i (id, size)")).toBeUndefined()
  expect(modulo('id % id', 'from items, unnest(names) id')).toBeUndefined()
})
