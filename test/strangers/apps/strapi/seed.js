// Creates the tables, an administrator, an API token and the content, in the database of DATABASE_URL.
const { createStrapi } = require('@strapi/strapi')

const COUNTS = { authors: 40, tags: 20, articles: 100, comments: 300 }
const PUBLIC = { article: ['find', 'findOne'], author: ['find', 'findOne'], tag: ['find'], comment: ['find'] }

/** At noon, so that its day is the same in most time zones. */
const TIME = '2020-01-02 12:00'

async function seed() {
  const strapi = await createStrapi({ appDir: __dirname, distDir: __dirname }).load()
  const create = async (name, data) =>
    (await strapi.documents(`api::${name}.${name}`).create({ data, status: 'published' })).documentId
  const all = async (count, create) => {
    const ids = []
    for (let at = 1; at <= count; at += 1) ids.push(await create(at))
    return ids
  }
  const authors = await all(COUNTS.authors, (at) =>
    create('author', { name: `Author ${at}`, email: `author${at}@example.org` }),
  )
  const tags = await all(COUNTS.tags, (at) => create('tag', { name: `Tag ${at}` }))
  const articles = await all(COUNTS.articles, (at) =>
    create('article', {
      title: `Article ${at}`,
      slug: `article-${at}`,
      views: (at * 37) % 100,
      author: authors[(at * 7) % authors.length],
      tags: [tags[at % tags.length], tags[(at * 3 + 1) % tags.length]],
      seo: { title: `Title ${at}`, description: `Description ${at}` },
      blocks: [
        { __component: 'shared.text', body: `Text ${at}` },
        { __component: 'shared.quote', body: `Quote ${at}`, author: authors[at % authors.length] },
      ],
    }),
  )
  await all(COUNTS.comments, (at) =>
    create('comment', {
      body: `Comment ${at}`,
      article: articles[(at * 13) % articles.length],
      author: authors[(at * 11) % authors.length],
    }),
  )
  await authorize(strapi)
  for (const table of Object.keys(COUNTS)) await rename(strapi.db.connection, table)
  await strapi.destroy()
}

async function authorize(strapi) {
  const role = await strapi.db.query('admin::role').findOne({ where: { code: 'strapi-super-admin' } })
  await strapi.service('admin::user').create({
    email: 'admin@example.org',
    firstname: 'Admin',
    password: 'Passw0rd',
    registrationToken: null,
    isActive: true,
    roles: [role.id],
  })
  const accessKey = strapi.service('admin::api-token').hash('token')
  const token = {
    name: 'App',
    description: '',
    type: 'full-access',
    lifespan: null,
    expiresAt: null,
    accessKey,
  }
  await strapi.db.query('admin::api-token').create({ data: { ...token, lastUsedAt: new Date() } })
  const visitors = await strapi.db
    .query('plugin::users-permissions.role')
    .findOne({ where: { type: 'public' } })
  for (const [name, actions] of Object.entries(PUBLIC))
    for (const action of actions)
      await strapi.db
        .query('plugin::users-permissions.permission')
        .create({ data: { action: `api::${name}.${name}.${action}`, role: visitors.id } })
}

/** Gives documents known ids and times, so that the requests can contain them. */
async function rename(knex, table) {
  await knex.raw(
    `WITH numbered AS (
      SELECT document_id AS old, row_number() OVER (ORDER BY min(id)) AS number FROM ?? GROUP BY document_id
    )
    UPDATE ?? SET document_id = ? || lpad(number::text, 22, '0'), created_at = ?, updated_at = ?
    FROM numbered WHERE document_id = old`,
    [table, table, table.slice(0, 2), TIME, TIME],
  )
  await knex(table).whereNotNull('published_at').update({ published_at: TIME })
}

seed().catch((error) => {
  console.error(error)
  process.exit(1)
})
