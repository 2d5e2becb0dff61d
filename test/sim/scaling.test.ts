import { describe, expect, it } from 'vitest'
import { runDatabase } from './scaling/database.ts'
import { madeLoad, withFlashCrowds, withOutages } from './scaling/load.ts'
import { type Replayed, replayAll } from './scaling/replay.ts'
import { rules } from './scaling/rules.ts'

function byRule(replayed: readonly Replayed[]): (name: string) => Replayed {
  return (name) => {
    const found = replayed.find(({ rule }) => rule === name)
    if (found === undefined) throw new Error(`There is no rule ${name}.`)
    return found
  }
}

/** The same requests and the same loads at every run: what is measured here is the rule. */
describe('the rule of scaling, on a model of workers', { timeout: 60_000 }, () => {
  it('does with fewer workers where loads rise as they did before, and keeps to the objective', () => {
    const of = byRule(replayAll(madeLoad(1, 2000, 1), 120, rules))
    expect(of('Sluice').cost).toBeLessThan(0.95 * of('HPA on rps 70').cost)
    expect(of('Sluice')).toMatchObject({ over: 0, dropped: 0 })
  })

  it('drops less than others when a crowd comes, and far less when everybody comes back after an outage', () => {
    const flash = byRule(replayAll(withFlashCrowds(madeLoad(1, 1000, 1)), 60, rules))
    const outage = byRule(replayAll(withOutages(madeLoad(1, 1500, 1)), 60, rules))
    for (const name of ['Sluice', 'Sluice without forecasts']) {
      expect(flash(name).dropped).toBeLessThan(flash('HPA on rps 70').dropped)
      expect(outage(name).dropped).toBeLessThan(0.4 * outage('HPA on rps 70').dropped)
    }
  })

  it('does not scale out against a database that can do no more', () => {
    const runs = new Map(runDatabase(900).map((run) => [run.rule, run]))
    expect(runs.get('Sluice, 40 connections in all')?.served).toBeGreaterThan(79)
    expect(runs.get('Sluice, 40 connections in all')?.mostWorkers).toBe(8)
    expect(runs.get('Sluice')?.served).toBeGreaterThan(74)
    expect(runs.get('HPA on rps 70')?.served).toBeLessThan(65)
  })
})
