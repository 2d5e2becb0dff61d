import { describe, expect, it } from 'vitest'
import { parseClusterOptions } from '../src/cluster-options.ts'

describe('parseClusterOptions', () => {
  it('returns the defaults without flags', () => {
    expect(parseClusterOptions([])).toEqual({
      once: false,
      json: false,
      help: false,
      seconds: 4,
      visitors: 8,
      keepsCookies: true,
    })
  })

  it('reads the flags', () => {
    expect(
      parseClusterOptions(['--once', '--json', '--help', '--seconds', '10', '--visitors=3', '--no-cookies']),
    ).toEqual({
      once: true,
      json: true,
      help: true,
      seconds: 10,
      visitors: 3,
      keepsCookies: false,
    })
  })

  it.each([
    [['--seconds', '0'], '--seconds: expected a whole number from 1 to 600, got "0"'],
    [['--seconds', '1.5'], 'got "1.5"'],
    [['--visitors', '1001'], '--visitors: expected a whole number from 1 to 1,000, got "1001"'],
    [['--twice'], 'twice'],
    [['extra'], 'extra'],
  ])('rejects %j', (args, message) => {
    expect(() => parseClusterOptions(args)).toThrow(message)
  })
})
