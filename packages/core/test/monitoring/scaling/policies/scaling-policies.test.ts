import { describe, expect, it } from 'vitest'
import { ScalingPolicies, scaledBy } from '../../../../src/monitoring/scaling/policies/scaling-policies.ts'
import { FakeClock } from '../../../helpers.ts'

function policiesOf({ stabilizationMs = 300_000, minWorkers = 1, maxWorkers = 20 } = {}) {
  const clock = new FakeClock()
  const policies = new ScalingPolicies({ stabilizationMs, minWorkers, maxWorkers }, clock)
  const evaluate = (current: number, metrics: Record<string, number | undefined>, least?: number) =>
    policies.evaluate(current, (metric) => metrics[metric], least)
  return { clock, policies, evaluate }
}

describe('ScalingPolicies', () => {
  it('creates policies with the default options', () => {
    const { policies } = policiesOf()
    const policy = policies.create('busy', 'cpu', 70, 'up')
    expect(policy).toEqual({
      id: expect.stringMatching(/^[\da-f-]{36}$/),
      name: 'busy',
      metric: 'cpu',
      threshold: 70,
      scaleDirection: 'up',
      scaleAmount: 25,
      cooldownSeconds: 300,
      enabled: true,
    })
    expect(policies.list()).toEqual([policy])
  })

  it('scales up by a percentage above a threshold, and down below one', () => {
    const { policies, evaluate } = policiesOf()
    policies.create('busy', 'cpu', 70, 'up', 50)
    policies.create('idle', 'cpu', 20, 'down', 25)
    expect(evaluate(4, { cpu: 80 })).toMatchObject({
      direction: 'up',
      to: 6,
      metric: 'cpu',
      value: 80,
      isHigh: true,
    })
    expect(policiesOf().evaluate(4, { cpu: 80 })).toMatchObject({ direction: null, to: 4 })
    const other = policiesOf()
    other.policies.create('idle', 'cpu', 20, 'down', 25)
    expect(other.evaluate(8, { cpu: 10 })).toMatchObject({
      direction: 'down',
      to: 6,
      reasons: ['Policy "idle": CPU is 10, below 20.'],
    })
  })

  it('ignores a metric within the tolerance of its threshold', () => {
    const { policies, evaluate } = policiesOf()
    policies.create('busy', 'cpu', 70, 'up')
    policies.create('idle', 'memory', 50, 'down')
    const verdict = evaluate(4, { cpu: 73, memory: 48 })
    expect(verdict.direction).toBeNull()
    expect(verdict.skipped).toEqual([
      'Policy "busy": CPU is 73, above 70. This is within the tolerance of 5%.',
      'Policy "idle": Memory is 48, below 50. This is within the tolerance of 5%.',
    ])
    expect(evaluate(4, { cpu: 60, memory: 44.9 }).direction).toBe('down')
    expect(policiesOf().evaluate(1, {}).direction).toBeNull()
  })

  it('does not decide again during the cooldown, by the monotonic clock', () => {
    const { clock, policies, evaluate } = policiesOf()
    policies.create('busy', 'cpu', 70, 'up', 25, 60)
    expect(evaluate(4, { cpu: 90 }).direction).toBe('up')
    clock.advance(59_999)
    expect(evaluate(5, { cpu: 90 })).toMatchObject({ direction: null, to: 5, isHigh: true })
    expect(evaluate(5, { cpu: 90 }).skipped).toEqual(['Policy "busy": its cooldown ends in 1 s.'])
    clock.advance(1)
    expect(evaluate(5, { cpu: 90 })).toMatchObject({ direction: 'up', to: 7 })
  })

  it('starts the cooldown of all policies that match, and uses the largest step', () => {
    const { policies, evaluate } = policiesOf()
    policies.create('busy', 'cpu', 70, 'up', 25)
    policies.create('slow', 'responseTime', 500, 'up', 100)
    expect(evaluate(4, { cpu: 90, responseTime: 900 })).toMatchObject({
      direction: 'up',
      to: 8,
      metric: 'responseTime',
      value: 900,
    })
    expect(evaluate(8, { cpu: 90, responseTime: 900 }).direction).toBeNull()
  })

  it('prefers up to down, even during the cooldown of up', () => {
    const { policies, evaluate } = policiesOf({ stabilizationMs: 0 })
    policies.create('busy', 'cpu', 70, 'up')
    policies.create('empty', 'requests', 10, 'down')
    expect(evaluate(4, { cpu: 90, requests: 1 }).direction).toBe('up')
    expect(evaluate(5, { cpu: 90, requests: 1 }).direction).toBeNull()
    expect(evaluate(5, { cpu: 50, requests: 1 }).direction).toBe('down')
  })

  it('waits before a change of direction, less long before up', () => {
    const { clock, policies, evaluate } = policiesOf()
    policies.create('busy', 'cpu', 70, 'up', 25, 0)
    policies.create('idle', 'cpu', 20, 'down', 25, 0)
    expect(evaluate(4, { cpu: 90 }).direction).toBe('up')
    clock.advance(299_999)
    expect(evaluate(5, { cpu: 5 }).skipped).toEqual([
      'Policy "idle": not down within 1 s, because of the step up.',
    ])
    clock.advance(1)
    expect(evaluate(5, { cpu: 5 }).direction).toBe('down')
    clock.advance(59_999)
    expect(evaluate(3, { cpu: 90 }).direction).toBeNull()
    clock.advance(1)
    expect(evaluate(3, { cpu: 90 }).direction).toBe('up')
  })

  it('waits after other steps, too', () => {
    const { policies, evaluate } = policiesOf()
    policies.create('idle', 'cpu', 20, 'down')
    policies.noteStep('up')
    expect(evaluate(5, { cpu: 5 }).direction).toBeNull()
  })

  it('does not start a cooldown after a step that was not possible', () => {
    const { policies, evaluate } = policiesOf({ maxWorkers: 4 })
    policies.create('busy', 'cpu', 70, 'up')
    expect(evaluate(4, { cpu: 90 })).toMatchObject({
      direction: null,
      skipped: ['Policy "busy": already at 4, the maximum.'],
    })
    expect(evaluate(3, { cpu: 90 })).toMatchObject({ direction: 'up', to: 4 })
  })

  it('stays between the minimum and the maximum, and never reverses the direction', () => {
    const { policies, evaluate } = policiesOf({ minWorkers: 3, maxWorkers: 6, stabilizationMs: 0 })
    policies.create('busy', 'cpu', 70, 'up', 100, 0)
    policies.create('idle', 'cpu', 20, 'down', 100, 0)
    expect(evaluate(4, { cpu: 90 }).to).toBe(6)
    expect(evaluate(8, { cpu: 90 })).toMatchObject({ direction: null, to: 8 })
    expect(evaluate(4, { cpu: 1 }).to).toBe(3)
    expect(evaluate(2, { cpu: 1 })).toMatchObject({ direction: null, to: 2 })
    expect(evaluate(5, { cpu: 1 }, 4)).toMatchObject({ direction: 'down', to: 4 })
  })

  it.each([undefined, Number.NaN, Number.POSITIVE_INFINITY])(
    'treats a metric of %s as missing, not as 0',
    (value) => {
      const { policies, evaluate } = policiesOf()
      policies.create('idle', 'cpu', 20, 'down')
      expect(evaluate(4, { cpu: value })).toMatchObject({
        direction: null,
        skipped: ['Policy "idle": CPU is unknown.'],
      })
    },
  )

  it('ignores disabled and removed policies', () => {
    const { policies, evaluate } = policiesOf()
    const { id } = policies.create('busy', 'cpu', 70, 'up')
    expect(policies.setEnabled(id, false)).toMatchObject({ id, enabled: false })
    expect(evaluate(4, { cpu: 90 }).direction).toBeNull()
    policies.setEnabled(id, true)
    expect(evaluate(4, { cpu: 90 }).direction).toBe('up')
    expect(policies.remove(id)).toBe(true)
    expect(policies.remove(id)).toBe(false)
    expect(policies.list()).toEqual([])
    expect(() => policies.setEnabled(id, true)).toThrow('Argument "id"')
  })

  it.each([
    [['', 'cpu', 70, 'up'], 'name'],
    [['a', '', 70, 'up'], 'metric'],
    [['a', 'cpu', Number.NaN, 'up'], 'threshold'],
    [['a', 'cpu', -1, 'up'], 'threshold'],
    [['a', 'cpu', 70, 'sideways'], 'direction'],
    [['a', 'cpu', 70, 'up', 0], 'scaleAmount'],
    [['a', 'cpu', 70, 'down', 101], 'scaleAmount'],
    [['a', 'cpu', 70, 'up', 25, -1], 'cooldownSeconds'],
    [['a', 'cpu', 70, 'up', 25, Number.NaN], 'cooldownSeconds'],
  ])('throws for the arguments %j', (args, name) => {
    const { policies } = policiesOf()
    expect(() => policies.create(...(args as Parameters<ScalingPolicies['create']>))).toThrow(
      `Argument "${name}"`,
    )
    expect(policies.list()).toEqual([])
  })

  it('allows at most 1,000 policies', () => {
    const { policies } = policiesOf()
    for (let at = 0; at < 1000; at += 1) policies.create(`p${at}`, 'cpu', 70, 'up')
    expect(() => policies.create('one more', 'cpu', 70, 'up')).toThrow('at most 1000 policies')
  })
})

describe('scaledBy', () => {
  it('changes by at least 1, and by whole workers', () => {
    expect(scaledBy(1, 'up', 25)).toBe(2)
    expect(scaledBy(10, 'up', 25)).toBe(13)
    expect(scaledBy(0, 'up', 25)).toBe(1)
    expect(scaledBy(10, 'down', 25)).toBe(7)
    expect(scaledBy(2, 'down', 1)).toBe(1)
    expect(scaledBy(0, 'down', 50)).toBe(0)
  })
})
