import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it, onTestFinished } from 'vitest'
import { randomToken } from '../../src/shared/random-token.ts'

/** A module compiled as CommonJS. */
function compiled(name: string): string {
  const text = readFileSync(join(import.meta.dirname, `../../src/shared/${name}`), 'utf8')
  return ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.CommonJS } }).outputText
}

describe('randomToken', () => {
  it('returns 96 bits in base64url, never the same twice', () => {
    const tokens = Array.from({ length: 1_000 }, randomToken)
    expect(new Set(tokens).size).toBe(1_000)
    expect(tokens.filter((token) => !/^[\w-]{16}$/.test(token))).toEqual([])
    // A byte that is never random would always give the same characters.
    for (let at = 0; at < 16; at++) expect(new Set(tokens.map((token) => token[at])).size).toBeGreaterThan(32)
  })

  it('returns different tokens in processes that start from one snapshot', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-snapshot-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(
      join(folder, 'main.cjs'),
      // A snapshot is built from one file.
      `const exports = {}
{
  const require = () => ({})
  ${compiled('late-modules.ts')}
}
{
  const require = () => exports
  ${compiled('random-token.ts')}
}
exports.randomToken()
require('node:v8').startupSnapshot.setDeserializeMainFunction(() => console.log(exports.randomToken()))`,
    )
    const node = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['--snapshot-blob', 'snapshot.blob', ...args],
        {
          cwd: folder,
          encoding: 'utf8',
        },
      )
      expect(status, stderr).toBe(0)
      return stdout.trim()
    }
    node('--build-snapshot', 'main.cjs')
    const tokens = [node(), node()]
    expect(tokens.every((token) => /^[\w-]{16}$/.test(token))).toBe(true)
    expect(tokens[0]).not.toBe(tokens[1])
  })
})
