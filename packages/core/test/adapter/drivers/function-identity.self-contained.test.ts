// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the sources of functions
import { describe, expect, it } from 'vitest'
import { isSelfContained } from '../../../src/adapter/drivers/function-identity.ts'

describe('isSelfContained', () => {
  it.each([
    'value => value',
    '(value) => `own ${value}`',
    '(value) => `${Number(value)} $ {x}`',
    "(value) => 'own ' + value",
  ])('accepts a function of its parameters: %s', (source) => {
    expect(isSelfContained(source)).toBe(true)
  })

  it.each([
    'value => other',
    '(value) => `own ${other}`',
    "(value) => '`' + other + '`'",
    '(value) => `own ${`inner ${other}`}`',
    '(value) => `own ${(() => { return other })()}`',
  ])('rejects a function that uses a variable: %s', (source) => {
    expect(isSelfContained(source)).toBe(false)
  })
})
