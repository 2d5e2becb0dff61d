// A blog in two languages. Everyone reads; users write.
import { postgresAdapter } from '@payloadcms/db-postgres'
import { withSluice } from '@sluice/drizzle'
import { buildConfig } from 'payload'
import pg from 'pg'
import { sluice } from './sluice.js'

class Pool {
  constructor(options) {
    const pool = new pg.Pool(options)
    // biome-ignore lint/correctness/noConstructorReturn: Payload calls it with `new`.
    return sluice === undefined ? pool : withSluice(pool, sluice)
  }
}

const access = { read: () => true }
const text = (name, options = {}) => ({ name, type: 'text', ...options })
const relationship = (name, relationTo, hasMany = false) => ({
  name,
  type: 'relationship',
  relationTo,
  hasMany,
})

export default buildConfig({
  secret: 'a secret',
  telemetry: false,
  typescript: { autoGenerate: false },
  localization: { locales: ['en', 'de'], defaultLocale: 'en' },
  db: postgresAdapter({
    pool: { connectionString: process.env.DATABASE_URL, max: 10 },
    pg: { ...pg, Pool },
  }),
  collections: [
    { slug: 'users', auth: true, access, fields: [text('name')] },
    {
      slug: 'tags',
      access,
      fields: [text('name'), { name: 'posts', type: 'join', collection: 'posts', on: 'tags' }],
    },
    {
      slug: 'posts',
      access,
      fields: [
        text('title', { localized: true }),
        { name: 'views', type: 'number', index: true },
        relationship('author', 'users'),
        relationship('tags', 'tags', true),
        relationship('related', 'posts', true),
        {
          name: 'blocks',
          type: 'blocks',
          blocks: [{ slug: 'quote', fields: [text('text'), relationship('by', 'users')] }],
        },
        { name: 'sections', type: 'array', fields: [text('label'), relationship('tag', 'tags')] },
      ],
    },
    {
      slug: 'comments',
      access,
      fields: [
        { name: 'body', type: 'textarea' },
        relationship('post', 'posts'),
        relationship('author', 'users'),
      ],
    },
  ],
})
