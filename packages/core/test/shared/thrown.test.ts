import { describe, expect, it } from 'vitest'
import { SLOW_MS, thrownValues } from '../../../../test/support/thrown-values.ts'
import { errorForLog, errorMessage, errorStack } from '../../src/shared/error-message.ts'
import { factsOf, isInstance, readThrown } from '../../src/shared/thrown.ts'

describe('a thrown value', () => {
  it.each(Object.keys(thrownValues))('has bounded strings: %s', (name) => {
    const value = thrownValues[name]?.()
    const startedAt = performance.now()
    expect(errorMessage(value).length).toBeLessThanOrEqual(16_384)
    expect(errorStack(value)?.length ?? 0).toBeLessThanOrEqual(32_768)
    const shown = errorForLog(value)
    expect(() => JSON.stringify({ shown })).not.toThrow()
    if (shown instanceof Error) expect(`${shown.name} ${shown.message} ${shown.stack}`).toBeTypeOf('string')
    expect(isInstance(value, RangeError)).toBe(false)
    readThrown(value, 'code')
    expect(performance.now() - startedAt).toBeLessThan(SLOW_MS / 2)
  })

  it.each<[unknown, string]>([
    [Symbol('a'), 'Symbol(a)'],
    [7n, '7'],
    [{ message: 'of another realm' }, 'of another realm'],
    [{ toString: () => 'converted' }, 'converted'],
    [{}, 'an object'],
    [() => {}, 'a function'],
    [new Proxy(new TypeError('behind'), {}), 'behind'],
    [new DOMException('aborted', 'AbortError'), 'aborted'],
    ['a\0b\uD800', 'a\uFFFDb\uFFFD'],
  ])('%# has the text %s', (value, text) => {
    expect(errorMessage(value)).toBe(text)
  })

  it('keeps the name and code that a class computes', () => {
    class Computed extends Error {
      override get message() {
        return 'computed'
      }
      get code() {
        return 'E_COMPUTED'
      }
    }
    expect(factsOf(new Computed())).toMatchObject({ isError: true, message: 'computed', code: 'E_COMPUTED' })
  })
})

describe('a password in a long message', () => {
  it('is never shown in part, wherever the message is cut', () => {
    const password = 'pA55'.repeat(20)
    for (let at = 0; at < 10_000; at += 37) {
      const shown = errorMessage(
        `${'x '.repeat(at / 2)}postgres://app:${password}@host/db ${'y'.repeat(20_000)}`,
        2_000,
      )
      expect(shown).not.toContain('pA55')
      expect(shown.length).toBeLessThanOrEqual(2_000)
    }
  })
})
