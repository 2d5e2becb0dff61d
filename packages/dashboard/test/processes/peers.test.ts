import type { ProcessLink } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { Peers } from '../../src/processes/peers.ts'

/** A link to one process, which is found and responds depending on its state. */
function peersOfOne() {
  const state = { isFound: true, isAnswering: true, isFailing: false, seconds: [] as { at: number }[] }
  const errors: unknown[] = []
  let time = 0
  const link: ProcessLink = {
    open: async () => {},
    others: async () => {
      if (state.isFailing) throw new Error('The link is unavailable.')
      return state.isFound ? ['other'] : []
    },
    request: async () => {
      if (!state.isAnswering) throw new Error('No response.')
      const value = { info: { id: 'other' }, last: 0, at: time, routes: [], requests: [], count: 0 }
      return JSON.stringify({ value: { ...value, seconds: state.seconds } })
    },
    close: async () => {},
  }
  const peers = new Peers({
    link,
    self: 'self',
    now: () => time,
    onRequests: () => {},
    onError: (error) => errors.push(error),
  })
  const look = async (times = 1) => {
    for (let at = 0; at < times; at += 1) {
      time += 1_000
      await peers.refresh()
    }
    return {
      answering: peers.facts.map(({ info }) => info.id),
      silent: peers.silent.map(({ info }) => info.id),
    }
  }
  return { state, errors, look, peers }
}

describe('Peers', () => {
  it('report which processes stopped responding, and forget those that are no longer found', async () => {
    const { state, look } = peersOfOne()
    expect(await look()).toEqual({ answering: ['other'], silent: [] })
    state.isAnswering = false
    expect(await look()).toEqual({ answering: ['other'], silent: [] })
    expect(await look()).toEqual({ answering: [], silent: ['other'] })
    state.isFound = false
    expect(await look()).toEqual({ answering: [], silent: [] })
  })

  it('keep known processes as not responding after the link failed', async () => {
    const { state, errors, look } = peersOfOne()
    await look()
    state.isFailing = true
    expect(await look(3)).toEqual({ answering: [], silent: ['other'] })
    expect(errors).toHaveLength(1)
    Object.assign(state, { isFailing: false, isAnswering: false })
    expect(await look()).toEqual({ answering: [], silent: ['other'] })
    state.isAnswering = true
    expect(await look()).toEqual({ answering: ['other'], silent: [] })
  })

  it('add up seconds of successive responses, each once', async () => {
    const { state, look, peers } = peersOfOne()
    const known = () => peers.facts.flatMap(({ seconds }) => seconds.map(({ at }) => at))
    state.seconds = [{ at: 0 }]
    await look()
    state.seconds = [{ at: 0 }, { at: 1_000 }]
    await look()
    state.seconds = []
    await look()
    expect(known()).toEqual([0, 1_000])
    for (let second = 3; second < 150; second += 1) {
      state.seconds = second % 30 < 5 ? [{ at: (second - 1) * 1_000 }, { at: second * 1_000 }] : []
      await look()
    }
    expect(known()).toEqual([...new Set(known())].sort((a, b) => a - b))
    expect(known()[0]).toBeGreaterThan(1_000)
  })
})
