import { describe, expect, it } from 'vitest'
import { areEquivalent, functionIdentity } from '../../../src/adapter/drivers/function-identity.ts'

const scaled = (factor: number) => (text: string) => Number(text) * factor

describe('functionIdentity', () => {
  it.each([
    ['a function of its parameters', (text: string) => text],
    ['a function of the language', parseFloat],
    ['a function that calls one', (text: string) => parseInt(text, 10)],
    ['a date of a value', (text: string) => new Date(text)],
    ['the parser of JSON that pg binds', JSON.parse.bind(JSON)],
  ])('identifies %s', (_, given) => {
    expect(functionIdentity(given)).toBeTypeOf('string')
  })

  it.each([
    ['a function that uses a variable', scaled(2)],
    ['a bound function', scaled(2).bind(undefined)],
    ['the time at which it is called', () => new Date()],
    ['the same in another form', () => Date.now()],
    ['no function', 'text'],
  ])('does not identify %s', (_, given) => {
    expect(functionIdentity(given)).toBeUndefined()
  })

  it('does not identify a bound parser of JSON that reads numbers differently', () => {
    const parse = (text: string, _reviver: unknown) =>
      JSON.parse(text, (_name, value: unknown, context?: { readonly source?: string }) =>
        typeof value === 'number' ? (context?.source ?? String(value)) : value,
      )
    expect(functionIdentity(parse.bind(undefined))).toBeUndefined()
  })
})

describe('areAlike', () => {
  it('compares functions by their identity', () => {
    const one = scaled(2)
    expect(areEquivalent(one, one)).toBe(true)
    expect(areEquivalent(one, scaled(2))).toBe(false)
    expect(
      areEquivalent(
        (text: string) => text,
        (text: string) => text,
      ),
    ).toBe(true)
  })
})
