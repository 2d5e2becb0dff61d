import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../src/shared/errors.ts'
import { checkSecrets, isSignedTimed, signTimed } from '../../src/shared/signature.ts'

const SECRET = 'a secret of some length'
const OTHER = 'a secret of another length'
const LINES = ['POST', '/scale?a=1', 'ops.example.com', '{"desired":3}']

describe('signTimed', () => {
  it('signs the version, the time and the lines, each on its own line', () => {
    const text = `v1\n1000\n${LINES.join('\n')}`
    expect(signTimed(SECRET, LINES, 1000)).toBe(
      `t=1000;v1=${createHmac('sha256', SECRET).update(text).digest('hex')}`,
    )
  })

  it('is accepted for the same lines with any of the secrets until it expires', () => {
    const signature = signTimed(SECRET, LINES, 1000)
    const isSigned = (secrets: readonly string[], lines = LINES, now = 1060) =>
      isSignedTimed(secrets, signature, lines, now, 60)
    expect([isSigned([SECRET]), isSigned([OTHER, SECRET]), isSigned([SECRET], LINES, 940)]).toEqual([
      true,
      true,
      true,
    ])
    expect([isSigned([OTHER]), isSigned([]), isSigned([SECRET], ['POST'])]).toEqual([false, false, false])
    expect([
      isSigned([SECRET], LINES, 1061),
      isSigned([SECRET], LINES, 939),
      isSigned([SECRET], LINES, Number.NaN),
    ]).toEqual([false, false, false])
    expect(
      [undefined, [signature], `${signature}0`, signature.toUpperCase()].map((one) =>
        isSignedTimed([SECRET], one, LINES, 1000, 60),
      ),
    ).toEqual([false, false, false, false])
  })
})

describe('checkSecrets', () => {
  it('accepts one secret or several', () => {
    expect(checkSecrets('secrets', SECRET)).toEqual([SECRET])
    expect(checkSecrets('secrets', [SECRET, OTHER])).toEqual([SECRET, OTHER])
  })

  it.each([[undefined], ['too short'], [[]], [[SECRET, 'too short']], [7]])(
    'throws for %j without showing it',
    (secrets) => {
      expect(() => checkSecrets('secrets', secrets as never)).toThrow(InvalidOptionError)
      expect(() => checkSecrets('secrets', secrets as never)).not.toThrow('too short')
    },
  )
})
