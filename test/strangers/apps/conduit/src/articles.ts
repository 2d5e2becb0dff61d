import { type Request, Router } from 'express'
import { HttpError, required, userOf, viewerOf } from './auth'
import { prisma } from './database'
import type { Prisma } from './generated/prisma/client'
import { profileFields, profileOf } from './profiles'

const articleFields = (viewer: number | undefined) => ({
  slug: true,
  title: true,
  description: true,
  body: true,
  createdAt: true,
  updatedAt: true,
  tags: { select: { name: true }, orderBy: { name: 'asc' as const } },
  author: { select: profileFields(viewer) },
  favoritedBy: { where: { id: viewer ?? 0 }, select: { id: true } },
  _count: { select: { favoritedBy: true } },
})

type Found = Prisma.ArticleGetPayload<{ select: ReturnType<typeof articleFields> }>

const articleOf = ({ tags, author, favoritedBy, _count, ...article }: Found) => ({
  ...article,
  tagList: tags.map(({ name }) => name),
  author: profileOf(author),
  favorited: favoritedBy.length > 0,
  favoritesCount: _count.favoritedBy,
})

const slugOf = (title: string, author: number) =>
  `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${author}`

const named = (names: unknown) =>
  (Array.isArray(names) ? names : []).map((name: string) => ({ where: { name }, create: { name } }))

async function list({ query }: Request, where: Prisma.ArticleWhereInput, viewer: number | undefined) {
  const articlesCount = await prisma.article.count({ where })
  const articles = await prisma.article.findMany({
    where,
    orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    skip: Number(query.offset) || 0,
    take: Number(query.limit) || 10,
    select: articleFields(viewer),
  })
  return { articles: articles.map(articleOf), articlesCount }
}

async function find(slug: string, viewer: number | undefined): Promise<Found> {
  const article = await prisma.article.findUnique({ where: { slug }, select: articleFields(viewer) })
  if (article === null) throw new HttpError(404)
  return article
}

/** Rejects users who did not write the article. */
async function checkAuthor(slug: string, user: number): Promise<void> {
  const article = await prisma.article.findUnique({
    where: { slug },
    select: { author: { select: { id: true } } },
  })
  if (article === null) throw new HttpError(404)
  if (article.author.id !== user) throw new HttpError(403, { article: ['is by another author'] })
}

export const articles = Router()

articles.get('/articles', async (request, response) => {
  const { tag, author, favorited } = request.query as Record<string, string | undefined>
  const where: Prisma.ArticleWhereInput = {
    ...(author && { author: { username: author } }),
    ...(tag && { tags: { some: { name: tag } } }),
    ...(favorited && { favoritedBy: { some: { username: favorited } } }),
  }
  response.json(await list(request, where, viewerOf(request)))
})

articles.get('/articles/feed', async (request, response) => {
  const user = userOf(request)
  response.json(await list(request, { author: { followers: { some: { id: user } } } }, user))
})

articles.get('/articles/:slug', async (request, response) => {
  response.json({ article: articleOf(await find(request.params.slug, viewerOf(request))) })
})

articles.post('/articles', async (request, response) => {
  const user = userOf(request)
  const given = request.body?.article
  const [title, description, body] = ['title', 'description', 'body'].map((name) => required(given, name))
  const slug = slugOf(title, user)
  const taken = await prisma.article.findUnique({ where: { slug }, select: { slug: true } })
  if (taken !== null) throw new HttpError(422, { title: ['must be unique'] })
  const { id } = await prisma.article.create({
    data: { slug, title, description, body, authorId: user, tags: { connectOrCreate: named(given.tagList) } },
  })
  const article = await prisma.article.findUniqueOrThrow({ where: { id }, select: articleFields(user) })
  response.status(201).json({ article: articleOf(article) })
})

articles.put('/articles/:slug', async (request, response) => {
  const user = userOf(request)
  const { slug } = request.params
  await checkAuthor(slug, user)
  const { title, description, body, tagList } = request.body?.article ?? {}
  const article = await prisma.article.update({
    where: { slug },
    data: {
      ...(title && { title, slug: slugOf(title, user) }),
      description,
      body,
      ...(tagList && { tags: { set: [], connectOrCreate: named(tagList) } }),
    },
    select: articleFields(user),
  })
  response.json({ article: articleOf(article) })
})

articles.delete('/articles/:slug', async (request, response) => {
  const { slug } = request.params
  await checkAuthor(slug, userOf(request))
  await prisma.article.delete({ where: { slug } })
  response.sendStatus(204)
})

for (const [method, action] of [
  ['post', 'connect'],
  ['delete', 'disconnect'],
] as const)
  articles[method]('/articles/:slug/favorite', async (request, response) => {
    const user = userOf(request)
    const { slug } = request.params
    await find(slug, user)
    const article = await prisma.article.update({
      where: { slug },
      data: { favoritedBy: { [action]: { id: user } } },
      select: articleFields(user),
    })
    response.json({ article: articleOf(article) })
  })

articles.get('/tags', async (_, response) => {
  const tags = await prisma.tag.findMany({
    where: { articles: { some: {} } },
    orderBy: [{ articles: { _count: 'desc' } }, { name: 'asc' }],
    take: 10,
    select: { name: true },
  })
  response.json({ tags: tags.map(({ name }) => name) })
})
