import { describe, expect, it } from 'vitest'
import { runDatabase } from './scaling/database.ts'
import { madeLoad, withFlashCrowds, withOutages } from './scaling/load.ts'
import { plot } from './scaling/plot.ts'
import { type Replayed, replayAll } from './scaling/replay.ts'
import { rules } from './scaling/rules.ts'

function byRule(replayed: readonly Replayed[]): (name: string) => Replayed {
  return (name) => {
    const found = replayed.find(({ rule }) => rule === name)
    if (found === undefined) throw new Error(`There is no rule ${name}.`)
    return found
  }
}

/** The same requests and loads in every run, so that only the rule is measured. */
describe('the scaling rule on a model of workers', { timeout: 60_000 }, () => {
  it('needs fewer workers when loads rise as before, and meets the objective', () => {
    const of = byRule(replayAll(madeLoad(1, 2000, 1), 120, rules))
    expect(of('Sluice').cost).toBeLessThan(0.95 * of('HPA on rps 70').cost)
    expect(of('Sluice')).toMatchObject({ over: 0, dropped: 0 })
  })

  it('drops fewer requests than other rules in a flash crowd, and far fewer when all clients return after an outage', () => {
    const flash = byRule(replayAll(withFlashCrowds(madeLoad(1, 1000, 1)), 60, rules))
    const outage = byRule(replayAll(withOutages(madeLoad(1, 1500, 1)), 60, rules))
    for (const name of ['Sluice', 'Sluice without forecasts']) {
      expect(flash(name).dropped).toBeLessThan(flash('HPA on rps 70').dropped)
      expect(outage(name).dropped).toBeLessThan(0.4 * outage('HPA on rps 70').dropped)
    }
  })

  it('does not scale out when the database is saturated', () => {
    const runs = new Map(runDatabase(900).map((run) => [run.rule, run]))
    expect(runs.get('Sluice, 40 connections in all')?.served).toBeGreaterThan(79)
    expect(runs.get('Sluice, 40 connections in all')?.mostWorkers).toBe(8)
    expect(runs.get('Sluice')?.served).toBeGreaterThan(74)
    expect(runs.get('HPA on rps 70')?.served).toBeLessThan(65)
  })
})

describe('the plot of a replay', () => {
  const minute = (at: number) => ({ rate: 1_000 + at, workers: 15, slowest: at === 7 ? 0.3 : 0.1 })
  const replayedOf = (rule: string, count: number): Replayed => ({
    rule,
    over: 1.234,
    dropped: 0,
    workerHours: 10,
    cost: 1,
    eventsADay: 5,
    minutes: Array.from({ length: count }, (_, at) => minute(at)),
  })

  it('shows each rule with its figures, both scales with their units, and time', () => {
    const svg = plot('a < b & c', [replayedOf('one', 120), replayedOf('two', 120)])
    for (const text of [
      'a &lt; b &amp; c',
      '>one<',
      '>two<',
      '1.23 % of the time',
      '>1,500<',
      '>0/s<',
      '>15<',
      '>workers<',
      '>hours<',
    ])
      expect(svg).toContain(text)
    expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  })

  it('marks slow periods, and counts days for long replays', () => {
    expect(plot('', [replayedOf('one', 60)]).match(/class="bad" d="M[\d.]+ \d+V\d+"/g)).toHaveLength(1)
    expect(plot('', [replayedOf('one', 7 * 1_440)])).toContain('>days<')
    expect(plot('', [replayedOf('one', 1)])).not.toMatch(/NaN|Infinity|undefined/)
  })
})
