import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readIgnoreFile } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fakeDashboard } from '../support/fake-dashboard.ts'
import { sluiceIn } from '../support/run-sluice.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-ignore-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const ignore = (...args: string[]) => sluiceIn(folder, 'ignore', ...args)
const file = () => join(folder, 'sluice/ignore.json')
const inFile = () => JSON.parse(readFileSync(file(), 'utf8'))

describe('sluice ignore', () => {
  it('writes the file for the app, and shows once how to load it', async () => {
    const first = await ignore('3AC91E00', '--reason', 'an import')
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toContain('load it: createSluice({ detection: { ignore: readIgnoreFile() } })')
    const second = await ignore('00000001', '0123456789abcdef')
    expect(second.out).not.toContain('load it')
    expect(readIgnoreFile(file())).toEqual(['00000001', '0123456789abcdef', '3ac91e00'])
    expect(inFile().findings[2]).toEqual({
      id: '3ac91e00',
      reason: 'an import',
      ignoredAt: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    })
  })

  it('does not replace the entry of a known id', async () => {
    await ignore('3ac91e00', '--reason', 'first')
    await ignore('3ac91e00', '--reason', 'second')
    expect(inFile().findings).toMatchObject([{ id: '3ac91e00', reason: 'first' }])
  })

  it('lists and removes ids', async () => {
    expect(await ignore('--list')).toMatchObject({
      code: 0,
      out: 'No ignored findings in sluice/ignore.json.\n',
    })
    await ignore('3ac91e00', '00000001', '--reason', 'known')
    expect((await ignore('--list')).out).toMatch(/^00000001 {2}\d{4}-\d\d-\d\d\n {2}known\n3ac91e00 /)
    expect(JSON.parse((await ignore('--list', '--json')).out)).toMatchObject({
      schemaVersion: 1,
      findings: [{ id: '00000001' }, { id: '3ac91e00' }],
    })
    await ignore('00000001', '--remove')
    expect(readIgnoreFile(file())).toEqual(['3ac91e00'])
    expect(await ignore('00000001', '--remove')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/is not in sluice\/ignore.json\n$/),
    })
  })

  it('looks up the finding in a running app, and rejects an unknown id', async () => {
    const fake = await fakeDashboard()
    try {
      expect((await ignore('3ac91e00', '--url', fake.url)).code).toBe(0)
      expect(inFile().findings[0].what).toBe('N+1 GET /cities: SELECT … FROM region WHERE id = ?')
      expect(await ignore('00000001', '--url', fake.url)).toMatchObject({
        code: 2,
        err: expect.stringMatching(/no finding with this id at \S+\n$/),
      })
    } finally {
      await fake.close()
    }
    expect((await ignore('00000001', '--url', fake.url)).code).toBe(3)
    expect(readIgnoreFile(file())).toEqual(['3ac91e00'])
  })

  it('does not change a file that it did not write', async () => {
    const path = join(folder, 'other.json')
    writeFileSync(path, '{"mine":true}')
    expect(await ignore('3ac91e00', '--file', path)).toMatchObject({ code: 2, out: '' })
    expect(readFileSync(path, 'utf8')).toBe('{"mine":true}')
  })

  it.each([
    [[], 'expected the id'],
    [['3ac91e'], 'expected an id of 8 characters'],
    [['--list', '3ac91e00'], '--list accepts neither an id'],
    [['3ac91e00', '--remove', '--reason', 'x'], '--reason has no effect'],
  ])('rejects %j', async (args, message) => {
    expect(await ignore(...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) })
  })
})
