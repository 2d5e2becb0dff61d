import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorForLog, errorMessage } from '../../src/shared/error-message.ts'

const URL_WITH_PASSWORD = 'redis://:s3cret@cache:6379'

describe('errorMessage', () => {
  it.each([
    [new Error(`connect ${URL_WITH_PASSWORD}`), 'connect redis://:***@cache:6379'],
    [`connect ${URL_WITH_PASSWORD}`, 'connect redis://:***@cache:6379'],
    [
      new AggregateError([new Error(`connect ${URL_WITH_PASSWORD}`), new Error('b')]),
      'connect redis://:***@cache:6379',
    ],
    [new AggregateError([new Error('a')], 'all failed'), 'all failed'],
    [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [new TypeError(''), 'TypeError'],
    [undefined, 'undefined'],
  ])('omits passwords and is never empty: %s', (error, message) => {
    expect(errorMessage(error)).toBe(message)
  })
})

describe('source files of all packages', () => {
  it('read messages of other errors only with errorMessage', () => {
    const packages = join(import.meta.dirname, '../../..')
    const files = readdirSync(packages, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^[^/]+\/src\/.*\.ts$/.test(file),
    )
    expect(files.length).toBeGreaterThan(500)
    const reading = files.filter((file) =>
      /instanceof Error \? \S+\.message/.test(readFileSync(join(packages, file), 'utf8')),
    )
    expect(reading).toEqual([])
  })
})

describe('errorForLog', () => {
  it('includes the type, message, stack, causes and plain fields without passwords', () => {
    const cause = Object.assign(new TypeError('Invalid URL'), {
      code: 'ERR_INVALID_URL',
      input: URL_WITH_PASSWORD,
    })
    const error = Object.assign(new RangeError(`no ${URL_WITH_PASSWORD}`, { cause }), { status: 3 })
    const shown = errorForLog(error) as Error & { readonly status: number }
    expect(shown).toBeInstanceOf(RangeError)
    expect(shown).toMatchObject({ message: 'no redis://:***@cache:6379', status: 3 })
    expect(shown.stack).toContain('error-message.test.ts')
    expect(shown.stack).not.toContain('s3cret')
    expect(shown.cause).toBeInstanceOf(TypeError)
    expect(shown.cause).toMatchObject({ code: 'ERR_INVALID_URL', input: 'redis://:***@cache:6379' })
    expect(error.message).toContain('s3cret')
  })

  it('omits the command of a Redis client', () => {
    const error = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['s3cret'] } })
    expect(errorForLog(error)).not.toHaveProperty('command')
  })

  it('includes the errors of an AggregateError', () => {
    const shown = errorForLog(new AggregateError([new Error(URL_WITH_PASSWORD)])) as AggregateError
    expect(shown.errors).toEqual([new Error('redis://:***@cache:6379')])
  })

  it('stops at a cause that contains itself', () => {
    const error = new Error('a')
    error.cause = error
    expect((errorForLog(error) as Error).message).toBe('a')
  })

  it('redacts strings, and does not change other values', () => {
    expect([errorForLog(URL_WITH_PASSWORD), errorForLog(5)]).toEqual(['redis://:***@cache:6379', 5])
  })
})
