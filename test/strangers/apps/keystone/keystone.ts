// A blog: users, posts, tags, comments. Every list allows everything.
import { config, list } from '@keystone-6/core'
import { allowAll } from '@keystone-6/core/access'
import { integer, relationship, select, text } from '@keystone-6/core/fields'
import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, type Sluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { sluiceApolloPlugin } from '@sluice/graphql'
import { sluiceAdapter, withSluice } from '@sluice/prisma'

// Defined by the preloaded script.
const sluice = (
  globalThis as { createAppSluice?: (create: typeof createSluice) => Sluice }
).createAppSluice?.(createSluice)

function adapter() {
  const plain = new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 10 })
  return sluice === undefined ? plain : sluiceAdapter(plain, sluice)
}

/** The schema of Sluice's generator; it does not exist yet while the first build generates it. */
function schema() {
  try {
    return { schema: require('./generated/sluice/index.ts').schema }
  } catch {
    return {}
  }
}

export default config({
  db: {
    provider: 'postgresql',
    url: process.env.DATABASE_URL,
    prismaClientOptions: () => ({ adapter: adapter() }),
    extendPrismaClient: (client: never) =>
      sluice === undefined
        ? client
        : (client as { $extends(extension: unknown): unknown }).$extends(withSluice(sluice, schema())),
    extendPrismaSchema: (written: string) =>
      `${written}\ngenerator sluice {\n  provider = "sluice-prisma-generator"\n  output = "generated/sluice"\n}\n`,
  } as never,
  server: {
    port: Number(process.env.PORT ?? 3000),
    extendExpressApp: (app: never) => {
      if (sluice !== undefined) (app as { use(handler: unknown): void }).use(sluiceMiddleware(sluice))
    },
  } as never,
  graphql: { apolloConfig: { plugins: sluice === undefined ? [] : [sluiceApolloPlugin(sluice)] } } as never,
  lists: {
    User: list({
      access: allowAll,
      fields: {
        name: text({ validation: { isRequired: true } }),
        email: text({ isIndexed: 'unique' }),
        posts: relationship({ ref: 'Post.author', many: true }),
        comments: relationship({ ref: 'Comment.author', many: true }),
      },
    }),
    Post: list({
      access: allowAll,
      fields: {
        title: text(),
        content: text(),
        status: select({ options: ['draft', 'published'], defaultValue: 'draft' }),
        views: integer({ defaultValue: 0 }),
        author: relationship({ ref: 'User.posts' }),
        tags: relationship({ ref: 'Tag.posts', many: true }),
        comments: relationship({ ref: 'Comment.post', many: true }),
      },
    }),
    Tag: list({
      access: allowAll,
      fields: { name: text(), posts: relationship({ ref: 'Post.tags', many: true }) },
    }),
    Comment: list({
      access: { operation: allowAll, filter: { query: () => ({ hidden: { equals: 0 } }) } },
      fields: {
        body: text(),
        hidden: integer({ defaultValue: 0 }),
        author: relationship({ ref: 'User.comments' }),
        post: relationship({ ref: 'Post.comments' }),
      },
    }),
  },
})
