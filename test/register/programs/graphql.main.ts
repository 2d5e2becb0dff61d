// Apollo Server on Express, with a resolver that queries per row. Prints its responses.
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import express from 'express'
import knex from 'knex'

const db = knex({
  client: 'better-sqlite3',
  connection: { filename: ':memory:' },
  useNullAsDefault: true,
  pool: { min: 1, max: 1 },
})
await db.schema.createTable('authors', (table) => void table.increments('id').primary())
await db('authors').insert(Array.from({ length: 20 }, (_, at) => ({ id: at + 1 })))

const apollo = new ApolloServer({
  typeDefs: 'type Author { id: Int, twin: Int } type Query { authors: [Author!]!, count: Int }',
  resolvers: {
    Query: {
      authors: async () => await db('authors').select('id'),
      count: async () => (await db('authors').count({ count: '*' }))[0]?.count,
    },
    Author: { twin: async ({ id }: { id: number }) => (await db('authors').where({ id }).first('id')).id }, // the field
  },
})
await apollo.start()
const app = express()
app.use('/graphql', express.json(), expressMiddleware(apollo))
const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const { port } = server.address() as AddressInfo

const BODIES = [
  { query: 'query Twins { authors { twin } }' },
  { query: '{ count authors { twin } }' },
  { query: 'query Count { count } query Other { authors { id twin } }', operationName: 'Other' },
]
for (const body of BODIES) {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  console.log(response.status, await response.text())
}
server.close()
server.closeAllConnections()
await apollo.stop()
await db.destroy()
