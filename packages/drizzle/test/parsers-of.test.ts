import { expect, it } from 'vitest'
import { parsersOf } from '../src/parsers-of.ts'

type Field = { readonly type: string; string(): string }

it.each([
  (field: Field, next: () => unknown) => {
    if (field.type === 'TIMESTAMP' || field.type === 'DATETIME') return field.string()
    return next()
  },
  (e: Field, t: () => unknown) => (e.type === 'DATE' ? e.string() : t()),
])('identifies a type cast by its source if it uses only its parameters', (typeCast) => {
  expect(parsersOf(typeCast)).toBe(String(typeCast))
})

const zone = { now: 'utc' }

it.each([
  (field: Field, next: () => unknown) => (zone.now === 'utc' ? field.string() : next()),
  function (this: unknown, field: Field) {
    return this === undefined ? field.string() : field.type
  },
  (field: Field) => field[zone.now as 'type'],
  (field: Field) => `${zone.now}${field.string()}`,
  ($: Field) => `'${zone.now}'${$.string()}`,
  ((field: Field) => field.type).bind(undefined),
])('does not identify one that uses anything else', (typeCast) => {
  expect(parsersOf(typeCast)).toBeUndefined()
})

it('identifies the parsers of pg by their source', () => {
  const getTypeParser = (oid: number) => oid
  expect(parsersOf({ getTypeParser })).toBe(String(getTypeParser))
  expect(parsersOf({})).toBeUndefined()
})
