import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sluice, sluiceIn } from '../support/run-sluice.ts'

/** A folder from which the package `sluice` can be resolved. */
const APP = join(import.meta.dirname, '../../../../test/register')

describe('sluice run', () => {
  it('prints its help, but passes --help to the command', async () => {
    expect(await sluice('run', '--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('--fail-on'),
    })
    for (const args of [
      ['--', 'nonesuch-1', '--help'],
      ['nonesuch-1', '--help'],
    ])
      expect(await sluiceIn(APP, 'run', ...args)).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining('cannot start "nonesuch-1": no such program'),
      })
  })

  it.each([
    [[], 'expected a command: npx sluice run -- npm run dev'],
    [['--'], 'expected a command'],
    [['--mode', 'fast', '--', 'node'], '--mode: expected observe, shadow, optimize, got "fast"'],
    [['--fail-on', 'n+2', '--', 'node'], '--fail-on: expected n+1, repeated, budget, got "n+2"'],
    [['--fial-on', 'n+1', '--', 'node'], "Unknown option '--fial-on'. Did you mean --fail-on?"],
  ])('rejects %j', async (args, message) => {
    expect(await sluiceIn(APP, 'run', ...args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining(message),
    })
  })
})
