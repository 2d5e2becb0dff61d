import { describe, expect, it } from 'vitest'
import { attempt } from '../../src/doctor/check.ts'

describe('attempt', () => {
  it('returns a warning when a check throws', async () => {
    const broken = () => Promise.reject(new Error('it broke\nat length'))
    expect(await attempt('this', broken)).toEqual([
      { level: 'warn', text: 'this could not be checked', fix: 'it broke' },
    ])
  })
})
