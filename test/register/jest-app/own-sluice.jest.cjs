// An app with `withSluice`, whose Sluice is loaded for its test file.
const { createSluice } = require('@sluice/core')
const { withSluice } = require('@sluice/knex')

it('reports the findings of its Sluice only', async () => {
  const sluice = createSluice({ mode: 'observe' })
  let findings = 0
  sluice.on('finding', () => {
    findings += 1
  })
  const options = { connection: { filename: ':memory:' }, useNullAsDefault: true, pool: { min: 1, max: 1 } }
  const db = withSluice(require('knex')({ client: 'better-sqlite3', ...options }), sluice)
  await db.schema.createTable('teams', (table) => void table.increments('id'))
  await sluice.run(async () => {
    for (let id = 0; id < 20; id += 1) await db('teams').where({ id })
  })
  await db.destroy()
  await sluice.close()
  expect(findings).toBe(1)
})
