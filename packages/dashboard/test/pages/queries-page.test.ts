import { expect, it } from 'vitest'
import { validationText } from '../../src/pages/queries-page.ts'

it('describes how a saving was estimated as a sentence, and shows nothing otherwise', () => {
  expect((['hypopg', 'scratch', 'clone', 'sample'] as const).map(validationText)).toEqual([
    'Estimated with HypoPG.',
    "Estimated by PostgreSQL's planner with this database's statistics.",
    "Estimated by SQLite's planner on a clone.",
    'Counted on a sample of the rows.',
  ])
  expect([validationText('none'), validationText(undefined)]).toEqual([null, null])
})
