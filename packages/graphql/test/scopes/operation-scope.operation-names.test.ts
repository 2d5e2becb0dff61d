import { getOperationAST, parse } from 'graphql'
import { describe, expect, it } from 'vitest'
import { OperationNames } from '../../src/scopes/operation-scope.ts'

function operation(text: string) {
  const found = getOperationAST(parse(text))
  if (!found) throw new Error(text)
  return found
}

describe('OperationNames', () => {
  it('combines kind and name', () => {
    const names = new OperationNames(10)
    expect(names.of(operation('query CountryPage { a }'))).toBe('query CountryPage')
    expect(names.of(operation('mutation X { a }'))).toBe('mutation X')
    expect(names.of(operation('{ a }'))).toBe('query (anonymous)')
  })

  it('truncates long names', () => {
    expect(new OperationNames(10).of(operation(`query ${'L'.repeat(100)} { a }`))).toBe(
      `query ${'L'.repeat(60)}`,
    )
  })

  it('distinguishes only the first names', () => {
    const names = new OperationNames(2)
    const called = ['A', 'B', 'C', 'A', 'D', 'B'].map((name) => names.of(operation(`query ${name} { a }`)))
    expect(called).toEqual(['query A', 'query B', 'query (other)', 'query A', 'query (other)', 'query B'])
    expect(names.of(operation('{ a }'))).toBe('query (anonymous)')
  })

  it('distinguishes no names if the limit is 0', () => {
    expect(new OperationNames(0).of(operation('query A { a }'))).toBe('query (other)')
  })
})
