import { describe, expect, it } from 'vitest'
import { type ScalingEvent, ScalingHistory } from '../../../src/monitoring/scaling/scaling-history.ts'

const event = (to: number): ScalingEvent => ({
  timestamp: to,
  direction: 'up',
  from: to - 1,
  to,
  metric: 'load',
  value: 1,
  reasons: [],
  source: 'load',
  isDryRun: true,
})

describe('ScalingHistory', () => {
  it('lists the newest first, and retains 500', () => {
    const history = new ScalingHistory()
    for (let to = 1; to <= 600; to += 1) history.add(event(to))
    expect(history.events(2).map(({ to }) => to)).toEqual([600, 599])
    expect(history.events()).toHaveLength(50)
    expect(history.events(1000)).toHaveLength(500)
    expect(history.events(0)).toEqual([])
  })

  it('combines repeated skips, with their newest numbers', () => {
    const history = new ScalingHistory()
    history.skip(1, 'load', 'Not to 3: 250.5 requests/s.')
    history.skip(2, 'load', 'There is no forecast.')
    history.skip(3, 'load', 'Not to 4: 260 requests/s.')
    history.skip(4, 'policy', 'Not to 4: 260 requests/s.')
    expect(history.skips()).toEqual([
      { timestamp: 4, source: 'policy', reason: 'Not to 4: 260 requests/s.', count: 1 },
      { timestamp: 3, source: 'load', reason: 'Not to 4: 260 requests/s.', count: 2 },
      { timestamp: 2, source: 'load', reason: 'There is no forecast.', count: 1 },
    ])
  })

  it('retains 200 skips', () => {
    const history = new ScalingHistory()
    for (let at = 0; at < 300; at += 1) history.skip(at, 'load', `reason ${'x'.repeat(at)}`)
    expect(history.skips(1000)).toHaveLength(200)
  })

  it.each([-1, 1.5, Number.NaN])('throws for a limit of %s', (limit) => {
    expect(() => new ScalingHistory().events(limit)).toThrow('Argument "limit"')
    expect(() => new ScalingHistory().skips(limit)).toThrow('Argument "limit"')
  })
})
