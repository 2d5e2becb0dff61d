import type { Connection } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { SqliteConversions } from '../src/sqlite-conversions.ts'

describe('SqliteConversions', () => {
  /** Conversions of a database, each of whose answers is a row or an error. */
  function conversionsOf(...answers: readonly (object | Error)[]) {
    const clock = { now: 0 }
    let probes = 0
    const connection: Connection = {
      dialect: 'sqlite',
      async query() {
        const answer = answers[Math.min(probes, answers.length - 1)]
        probes += 1
        if (answer instanceof Error) throw answer
        return [answer as Record<string, unknown>]
      },
    }
    const conversions = new SqliteConversions(
      () => connection,
      () => clock.now,
    )
    return {
      probes: () => probes,
      async after(ms: number) {
        clock.now += ms
        conversions.shared()
        await new Promise(setImmediate)
        return conversions.shared()
      },
    }
  }

  it('sends one probe', async () => {
    const { after, probes } = conversionsOf({ v0: 1 })
    const text = await after(0)
    expect(text).toMatch(/^[\w-]{43}$/)
    expect(await after(60_000)).toBe(text)
    expect(probes()).toBe(1)
  })

  it('retries after 10 s if it got no answer', async () => {
    const { after, probes } = conversionsOf(new Error('no connection'), { v0: 1 })
    for (let i = 0; i < 5; i += 1) expect(await after(1_000)).toBeUndefined()
    expect(probes()).toBe(1)
    expect(await after(10_000)).toBeDefined()
    expect(probes()).toBe(2)
  })
})
