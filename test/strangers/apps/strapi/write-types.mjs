// Creates the folders of a new project, and writes the content types and components as Strapi's Content-Type
// Builder would.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const component = (name, repeatable = false) => ({
  type: 'component',
  component: `shared.${name}`,
  repeatable,
})
const relation = (kind, target, sides = {}) => ({
  type: 'relation',
  relation: kind,
  target: `api::${target}.${target}`,
  ...sides,
})

// Where uploads would go.
mkdirSync('public/uploads', { recursive: true })

const COMPONENTS = {
  seo: { title: { type: 'string' }, description: { type: 'text' } },
  quote: { body: { type: 'text' }, author: relation('oneToOne', 'author') },
  text: { body: { type: 'richtext' } },
}

const TYPES = {
  article: {
    title: { type: 'string', required: true },
    slug: { type: 'string' },
    views: { type: 'integer', default: 0 },
    author: relation('manyToOne', 'author', { inversedBy: 'articles' }),
    tags: relation('manyToMany', 'tag', { inversedBy: 'articles' }),
    comments: relation('oneToMany', 'comment', { mappedBy: 'article' }),
    seo: component('seo'),
    blocks: { type: 'dynamiczone', components: ['shared.quote', 'shared.text'] },
  },
  author: {
    name: { type: 'string', required: true },
    email: { type: 'email' },
    articles: relation('oneToMany', 'article', { mappedBy: 'author' }),
  },
  tag: { name: { type: 'string' }, articles: relation('manyToMany', 'article', { mappedBy: 'tags' }) },
  comment: {
    body: { type: 'text' },
    article: relation('manyToOne', 'article', { inversedBy: 'comments' }),
    author: relation('oneToOne', 'author'),
  },
}

function write(path, content) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2))
}

for (const [name, attributes] of Object.entries(COMPONENTS))
  write(`src/components/shared/${name}.json`, {
    collectionName: `components_shared_${name}`,
    info: { displayName: name },
    options: {},
    attributes,
  })

for (const [name, attributes] of Object.entries(TYPES)) {
  const folder = `src/api/${name}`
  write(`${folder}/content-types/${name}/schema.json`, {
    kind: 'collectionType',
    collectionName: `${name}s`,
    info: { singularName: name, pluralName: `${name}s`, displayName: name },
    options: { draftAndPublish: name === 'article' },
    attributes,
  })
  for (const [kind, factory] of Object.entries({
    controllers: 'createCoreController',
    routes: 'createCoreRouter',
    services: 'createCoreService',
  }))
    write(
      `${folder}/${kind}/${name}.js`,
      `module.exports = require('@strapi/strapi').factories.${factory}('api::${name}.${name}')\n`,
    )
}
