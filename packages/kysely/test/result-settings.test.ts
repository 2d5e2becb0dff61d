import type { Connection } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { ResultSettings } from '../src/result-settings.ts'

describe('ResultSettings', () => {
  /** Settings of a database, each of whose answers is a row or an error. */
  function settingsOf(...answers: readonly (object | Error)[]) {
    const clock = { now: 0 }
    let probes = 0
    const connection: Connection = {
      dialect: 'postgresql',
      async query() {
        const answer = answers[Math.min(probes, answers.length - 1)]
        probes += 1
        if (answer instanceof Error) throw answer
        return [answer as Record<string, unknown>]
      },
    }
    const settings = new ResultSettings(
      'postgresql',
      () => connection,
      () => clock.now,
    )
    return {
      probes: () => probes,
      async after(ms: number) {
        clock.now += ms
        settings.text([])
        await new Promise(setImmediate)
        return settings.text([])
      },
    }
  }

  it('sends one probe', async () => {
    const { after, probes } = settingsOf({ v0: true })
    const text = await after(0)
    expect(text).toMatch(/^[\w-]{43}$/)
    expect(await after(60_000)).toBe(text)
    expect(probes()).toBe(1)
  })

  it('sends no second probe to a database that lacks a type', async () => {
    const { after, probes } = settingsOf(
      Object.assign(new Error('type "xml" does not exist'), { code: '42704' }),
    )
    for (let i = 0; i < 5; i += 1) expect(await after(60_000)).toBeUndefined()
    expect(probes()).toBe(1)
  })

  it.each(['ECONNREFUSED', '57P03', undefined])(
    'retries after 10 s if it got no answer: %s',
    async (code) => {
      const { after, probes } = settingsOf(Object.assign(new Error('no connection'), { code }), { v0: true })
      for (let i = 0; i < 5; i += 1) expect(await after(1_000)).toBeUndefined()
      expect(probes()).toBe(1)
      expect(await after(10_000)).toBeDefined()
      expect(probes()).toBe(2)
    },
  )
})
