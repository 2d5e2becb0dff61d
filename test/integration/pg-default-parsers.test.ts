import { functionIdentity } from '@sluice/core/adapter'
import pg from 'pg'
import { expect, it } from 'vitest'

it('every default parser of pg is identified in every process', () => {
  const oids = Array.from({ length: 7_000 }, (_, oid) => oid)
  expect(oids.filter((oid) => functionIdentity(pg.types.getTypeParser(oid)) === undefined)).toEqual([])
})
