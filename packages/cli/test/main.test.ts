import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { changeTriggersSql, dropChangeTriggersSql } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../../../test/support/patience.ts'
import { run, sluice } from './support/run-sluice.ts'

describe('sluice', () => {
  it('exits with the code of the command, and writes only data to stdout', { timeout: TEST_MS }, async () => {
    expect(await run(['triggers', '--schema', 'public'])).toEqual({
      code: 0,
      out: changeTriggersSql({ schemas: ['public'] }),
      err: '',
    })
    const wrong = await run(['triggers'])
    expect([wrong.code, wrong.out]).toEqual([2, ''])
    expect(wrong.err).toContain('expected --schema or --table')
  })

  it('lists the commands', async () => {
    for (const word of ['--help', '-h', 'help'])
      expect(await sluice(word)).toMatchObject({
        code: 0,
        err: '',
        out: expect.stringMatching(/analyze.*explain.*doctor.*triggers/s),
      })
    expect(await sluice()).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/triggers/) })
  })

  it('prints the help of a command with help', async () => {
    for (const word of ['help', '--help', '-h'])
      expect(await sluice(word, 'analyze')).toEqual(await sluice('analyze', '--help'))
    expect(await sluice('help', '--color')).toEqual(await sluice('help'))
    expect(await sluice('help', 'anlayze')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('Did you mean analyze?'),
    })
  })

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'))
    for (const word of ['--version', '-v', 'version'])
      expect(await sluice(word)).toEqual({ code: 0, out: `${version}\n`, err: '' })
  })

  it.each([
    [['anlayze'], 'Did you mean analyze?'],
    [['docter'], 'Did you mean doctor?'],
    [['trigger'], 'Did you mean triggers?'],
    [['triggers', '--schemas', 'public'], "Unknown option '--schemas'. Did you mean --schema?"],
    [['analyze', '--jsno'], "Unknown option '--jsno'. Did you mean --json?"],
  ])('suggests the most similar name for %j', async (args, message) => {
    expect(await sluice(...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })

  it.each([['deploy'], ['x'], ['toString']])(
    'lists the commands for %s, which resembles none',
    async (word) => {
      const { code, err } = await sluice(word)
      expect([code, err]).toEqual([2, expect.stringMatching(/Expected run, .*, mcp or --help\n$/)])
    },
  )

  it('rejects an unknown command', async () => {
    for (const word of ['trigger', 'toString'])
      expect(await sluice(word)).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringContaining(`unknown command "${word}"`),
      })
  })
})

describe('sluice triggers', () => {
  it('includes all tables of several schemas', async () => {
    const { out } = await sluice(
      'triggers',
      '--schema',
      'public',
      '--schema',
      'geo',
      '--channel',
      'mine',
      '--function-schema',
      'ops',
    )
    expect(out).toBe(
      changeTriggersSql({ schemas: ['public', 'geo'], channel: 'mine', functionSchema: 'ops' }),
    )
  })

  it('includes single tables, with and without their schema', async () => {
    const { out } = await sluice('triggers', '--schema', 'public', '--table', 'city', '--table', 'geo.area')
    expect(out).toBe(changeTriggersSql({ tables: [{ schema: 'public', name: 'city' }, 'geo.area'] }))
    expect((await sluice('triggers', '--table', 'city')).out).toBe(changeTriggersSql({ tables: ['city'] }))
  })

  it('prints SQL that removes the triggers with --remove', async () => {
    expect((await sluice('triggers', '--schema', 'public', '--remove')).out).toBe(
      dropChangeTriggersSql({ schemas: ['public'] }),
    )
  })

  it('prints its options with --help', async () => {
    expect(await sluice('triggers', '--help')).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/--function-schema/),
    })
  })

  it.each([
    [['--schemas', 'public'], "Unknown option '--schemas'"],
    [['public'], "Unexpected argument 'public'"],
    [['--schema'], 'argument missing'],
    [['--schema', ''], 'Option "schemas"'],
    [['--schema', 'a', '--schema', 'b', '--table', 'c'], 'expected schema.table'],
    [['--schema', 'a', '--remove', '--channel', 'c'], '--channel has no effect with --remove'],
  ])('rejects %j', async (args, message) => {
    const { code, out, err } = await sluice('triggers', ...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })
})
