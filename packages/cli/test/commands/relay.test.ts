import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sluice } from '../support/run-sluice.ts'

beforeEach(() => {
  vi.stubEnv('SLUICE_RELAY_FROM', '')
  vi.stubEnv('SLUICE_RELAY_TO', '')
})
afterEach(() => vi.unstubAllEnvs())

const ends = ['--from', 'redis://127.0.0.1:1', '--to', 'redis://127.0.0.1:2']

describe('sluice relay', () => {
  it.each([
    ['no region', ends, 'expected --region'],
    ['no URL', ['--region', 'us'], '--from: expected redis://… or rediss://…'],
    ['another URL', ['--region', 'us', ...ends, '--to', 'http://ann:secret@a/'], '--to: expected redis://…'],
    ['a bound above half of the lease', ['--region', 'us', ...ends, '--max-lag', '20000'], 'maxLagMs'],
    ['a bound that is no number', ['--region', 'us', ...ends, '--max-lag', 'soon'], '--max-lag: expected'],
    ['an invalid region', ['--region', 'us east', ...ends], '"region"'],
    ['an invalid namespace', ['--region', 'us', ...ends, '--namespace', 'a*'], '"namespace"'],
    ['an unknown option', ['--regon', 'us'], 'Did you mean --region?'],
  ])('exits with code 2 for %s', async (_, args, message) => {
    const { code, out, err } = await sluice('relay', ...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
    expect(err).not.toContain('secret')
  })
})
