import { join } from 'node:path'
import { expect, it } from 'vitest'
import { countOf, loopIn, REGISTER, run } from './run-app.ts'

const APP = join(import.meta.dirname, 'programs/better-sqlite3.main.ts')

it('finds what a program on better-sqlite3 repeats, and changes no result', async () => {
  const [bare, registered] = [await run(APP, []), await run(APP, REGISTER)]
  expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  expect(registered.stderr).toContain('sluice  attached better-sqlite3 · mode observe')
  expect(countOf(registered.stderr, 'N+1')).toBe(1)
  expect(registered.stderr).toMatch(new RegExp(`at +programs/better-sqlite3\\.main\\.ts:${loopIn(APP)}:`))
  expect(registered.stderr).toContain(
    "fix  db.prepare('SELECT id, name FROM author WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify(keys))",
  )
})
