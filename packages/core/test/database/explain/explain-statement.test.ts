import { expect, it } from 'vitest'
import { explainStatement } from '../../../src/database/explain/explain-statement.ts'
import type { Connection } from '../../../src/schema/connection.ts'

const sent = () => {
  throw new Error('Nothing must be sent.')
}

it('reports whether parameter values are missing when it does not explain a statement', async () => {
  const connection: Connection = { dialect: 'mysql', query: sent, session: sent }
  await expect(explainStatement(connection, 'SELECT * FROM city WHERE id = ?')).rejects.toMatchObject({
    needsBindings: true,
  })
  await expect(explainStatement(connection, 'SELECT 1; SELECT 2')).rejects.toMatchObject({
    needsBindings: false,
  })
})
