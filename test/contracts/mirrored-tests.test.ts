import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const packages = join(import.meta.dirname, '../../packages')

/** The path of the source without its ending. Parts of the name after it are an aspect or a kind of test. */
const TEST = /^(.+?)(?:\.[a-z-]+)*\.test(?:-d)?\.ts$/

function hasSource(name: string, path: string): boolean {
  // Sources of the page of the dashboard are outside `src`.
  const source = join(packages, name, path.startsWith('page/') ? path.replace('/', '/src/') : `src/${path}`)
  return ['', '.ts', '.tsx'].some((ending) => existsSync(source + ending))
}

it('a test of a package is at the path of the file or folder in src that it tests', () => {
  const elsewhere = readdirSync(packages)
    .filter((name) => existsSync(join(packages, name, 'test')))
    .flatMap((name) =>
      readdirSync(join(packages, name, 'test'), { recursive: true, encoding: 'utf8' })
        .flatMap((file) => TEST.exec(file)?.[1] ?? [])
        .filter((path) => !hasSource(name, path))
        .map((path) => `packages/${name}/test/${path}`),
    )
  expect(elsewhere).toEqual([])
})
