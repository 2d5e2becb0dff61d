import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const src = join(import.meta.dirname, '../../packages/core/src')

/** Files that may name an ORM, each with the reason. */
const ALLOWED: Readonly<Record<string, string>> = {}

it('the core names no ORM, neither in code nor in comments', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  const naming = files.flatMap((path) =>
    readFileSync(join(src, path), 'utf8')
      .split('\n')
      .flatMap((line, at) =>
        /prisma|knex|drizzle|kysely/i.test(line) && !(path in ALLOWED)
          ? [`${path}:${at + 1}: ${line.trim()}`]
          : [],
      ),
  )
  expect(files.length).toBeGreaterThan(100)
  expect(naming).toEqual([])
})
