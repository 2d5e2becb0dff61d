import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pathOf } from './mutation.ts'
import { MUTATIONS } from './mutations.ts'

describe('mutations', () => {
  it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))('%s finds its text once in the sources', (_, { edits }) => {
    for (const edit of edits) expect(readFileSync(pathOf(edit), 'utf8').split(edit.find), edit.find).toHaveLength(2)
  })
})
