// Creates the tables and the content, in the database of DATABASE_URL.
process.env.NODE_ENV = 'development' // Payload creates tables in development only.
const { getPayload } = await import('payload')
const { default: config } = await import('./payload.config.js')

const payload = await getPayload({ config: await config })

async function all(collection, count, dataOf) {
  const ids = []
  for (let at = 1; at <= count; at += 1)
    ids.push((await payload.create({ collection, data: dataOf(at, ids) })).id)
  return ids
}

const users = await all('users', 20, (at) => ({
  email: `user${at}@example.org`,
  password: 'Passw0rd',
  name: `User ${at}`,
}))
const tags = await all('tags', 15, (at) => ({ name: `Tag ${at}` }))
const posts = await all('posts', 100, (at, earlier) => ({
  title: `Post ${at}`,
  views: (at * 37) % 100,
  author: users[at % users.length],
  tags: [tags[at % tags.length], tags[(at * 7 + 1) % tags.length]],
  related: earlier.slice(-2),
  blocks: [{ blockType: 'quote', text: `Quote ${at}`, by: users[(at * 3) % users.length] }],
  sections: [
    { label: `One ${at}`, tag: tags[at % tags.length] },
    { label: `Two ${at}`, tag: tags[(at + 4) % tags.length] },
  ],
}))
await all('comments', 200, (at) => ({
  body: `Comment ${at}`,
  post: posts[(at * 13) % posts.length],
  author: users[at % users.length],
}))
// Known times, so that only those of changed rows differ between two runs. Payload orders by them.
for (const table of ['users', 'tags', 'posts', 'comments'])
  await payload.db.pool.query(
    `UPDATE ${table} SET created_at = time, updated_at = time
    FROM (SELECT id, timestamptz '2020-01-02 00:00Z' + id * interval '1 minute' AS time FROM ${table}) AS times
    WHERE ${table}.id = times.id`,
  )
process.exit(0)
