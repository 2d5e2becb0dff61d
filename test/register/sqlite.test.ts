import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newerNode } from '../services/newer-node.ts'
import { countOf, loopIn, REGISTER, run } from './run-app.ts'

function programOf(name: string): string {
  return join(import.meta.dirname, `programs/${name}.main.ts`)
}

const FIX =
  "fix  db.prepare('SELECT id, name FROM author WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify(keys))"

it('finds what a program on better-sqlite3 repeats, and changes no result', async () => {
  const app = programOf('better-sqlite3')
  const [bare, registered] = [await run(app, []), await run(app, REGISTER)]
  expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  expect(registered.stderr).toContain('sluice  attached better-sqlite3 · mode observe')
  expect(countOf(registered.stderr, 'N+1')).toBe(1)
  expect(registered.stderr).toMatch(new RegExp(`at +programs/better-sqlite3\\.main\\.ts:${loopIn(app)}:`))
  expect(registered.stderr).toContain(FIX)
})

const node = newerNode()

describe.skipIf('skipped' in node)(`node:sqlite${'skipped' in node ? `: ${node.skipped}` : ''}`, () => {
  const app = programOf('node-sqlite')

  it.each(['import', 'require', 'builtin'])(
    'finds what a program repeats that loads it with %s, and changes no result',
    async (load) => {
      const runIt = (flags: readonly string[]) =>
        run(app, flags, { APP_LOADS: load, NODE_NO_WARNINGS: '1' }, 'path' in node ? { node: node.path } : {})
      const [bare, registered] = [await runIt([]), await runIt(REGISTER)]
      expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
      // It is not loaded before the program loads it.
      expect(bare.stdout).toContain('loaded false')
      expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
      expect(registered.stderr).toContain('sluice  attached node:sqlite · mode observe')
      expect(registered.stderr).toContain(FIX)
      const loops = ['the loop', ...(bare.stdout.includes('tagged') ? ['the loop of the store'] : [])]
      expect(countOf(registered.stderr, 'N+1')).toBe(loops.length)
      for (const loop of loops)
        expect(registered.stderr).toMatch(
          new RegExp(`programs/node-sqlite\\.main\\.ts:${loopIn(app, loop)}:`),
        )
    },
  )
})

it.skipIf(isBuiltin('node:sqlite'))('changes no error of a Node without node:sqlite', async () => {
  for (const load of ['import', 'require', 'builtin']) {
    const { code, stderr } = await run(programOf('node-sqlite'), REGISTER, { APP_LOADS: load })
    expect({ code, warns: stderr.includes('SLUICE_REGISTER') }).toEqual({ code: 1, warns: false })
  }
})
