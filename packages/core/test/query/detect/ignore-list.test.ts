import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InvalidIgnoreFileError, readIgnoreFile } from '../../../src/query/detect/ignore-list.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-ignore-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const written = (text: string) => {
  const path = join(folder, 'ignore.json')
  writeFileSync(path, text)
  return path
}

describe('readIgnoreFile', () => {
  it('returns the IDs, regardless of other fields', () => {
    const path = written(
      '{"schemaVersion":1,"findings":[{"id":"3ac91e00","reason":"known","ignoredAt":"2026-11-26"},{"id":"64183cb7"}],"more":1}',
    )
    expect(readIgnoreFile(path)).toEqual(['3ac91e00', '64183cb7'])
    expect(readIgnoreFile(pathToFileURL(path))).toEqual(['3ac91e00', '64183cb7'])
  })

  it('returns an empty list without a file', () => {
    expect(readIgnoreFile(join(folder, 'none.json'))).toEqual([])
  })

  it.each([
    ['{', 'JSON'],
    ['null', 'schemaVersion 1'],
    ['{"schemaVersion":2,"findings":[]}', 'schemaVersion 1'],
    ['{"schemaVersion":1}', '`findings`'],
    ['{"schemaVersion":1,"findings":[{"id":"a"},{"id":""}]}', 'findings[1].id'],
    ['{"schemaVersion":1,"findings":[null]}', 'findings[0].id'],
  ])('throws for %s', (text, expected) => {
    const path = written(text)
    expect(() => readIgnoreFile(path)).toThrow(InvalidIgnoreFileError)
    expect(() => readIgnoreFile(path)).toThrow(expected)
  })

  it('throws for a path that cannot be read as a file', () => {
    expect(() => readIgnoreFile(folder)).toThrow('a readable file')
  })
})
